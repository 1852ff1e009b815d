# ruff: noqa: RUF001 - letters that are written otherwise
import sqlite3
import time
import unicodedata

import pytest

from jarvis.core.text import fold
from jarvis.textindex import SQLiteTextIndex
from jarvis_ports.store import Row

FOLDED = [
    ("la o\ufb01cina", "la oficina"),
    ("con\u00adfi\u00adgu\u00adration", "configuration"),
    ("zero\u200bwidth\u2060space\ufeff", "zerowidthspace"),
    ("\u202eevil\u202c", "evil"),
    ("Ｆｕｌｌ ｗｉｄｔｈ", "Full width"),
    ("ﾊﾝｶｸ", "ハンカク"),
    ("max\\_tokens \\*args \\[1\\]", "max_tokens *args [1]"),
    ("configu-\nración", "configuración"),
    ("configu\u00ad\n  ración", "configuración"),
    ("configu\u2010 \r\nración", "configuración"),
    ("over the pa-\n\nge", "over the page"),
    ("a\U000e0041\U000e0042b", "ab"),
]
KEPT = [
    "Jean-\nPaul",
    "TCP-\nIP",
    "COVID-\n19",
    "state-of-the-\nart",
    "one -\ntwo",
    "- item\n- item",
    "a-b",
    "C:\\Users\\x",
    "plain",
    "ñandú",
    "\u200b",
]


@pytest.mark.parametrize(("text", "folded"), FOLDED)
def test_what_reads_the_same_becomes_the_same(text, folded):
    assert fold(text) == unicodedata.normalize("NFKC", folded)
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize("text", KEPT)
def test_other_text_stays(text):
    assert fold(text) == text


def test_folding_takes_no_longer_than_the_text_is_long():
    for text in ("x" * 2_000_000, "a-\n" * 500_000, "\\" * 2_000_000, "-" * 2_000_000, "a-" * 1_000_000):
        start = time.thread_time()
        fold(text)
        assert time.thread_time() - start < 10


@pytest.mark.parametrize(("text", "folded"), FOLDED)
async def test_text_is_found_as_it_is_read_and_given_as_it_is_shown(index, text, folded):
    await index.commit("c", [Row("1", text), Row("2", "other")], [])
    assert [match.row.id for match in await index.search("c", folded, 10)] == ["1"]
    assert [match.row.id for match in await index.search("c", text, 10)] == ["1"]
    assert [row.text for row in await index.rows("c", ["1"])] == [text]


async def test_the_halves_of_a_broken_word_are_found_too(index):
    await index.commit("c", [Row("1", "in the long-\nterm"), Row("2", "other")], [])
    for query in ("long-term", "longterm", "term"):
        assert [match.row.id for match in await index.search("c", query, 10)] == ["1"]


async def test_an_index_of_the_version_before_is_made_anew(tmp_path):
    async with SQLiteTextIndex.open(tmp_path) as index:
        await index.commit("c", [Row("1", "text")], [])
    with sqlite3.connect(tmp_path / "text.sqlite3") as database:
        database.execute("PRAGMA user_version = 1")
    async with SQLiteTextIndex.open(tmp_path) as index:
        assert await index.count("c") == 0
