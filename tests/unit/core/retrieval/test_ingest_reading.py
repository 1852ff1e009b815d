"""How documents are read reaches what is stored of them, and who sent them."""

import pytest

from jarvis_ports.errors import InvalidArgument
from jarvis_ports.store import Row
from jarvis_ports.values import Outcome, SearchQuery

CHANGED, UNCHANGED = Outcome.CHANGED, Outcome.UNCHANGED


def paragraph(word):
    """A text that fills a chunk."""
    return f"{word}. " + " ".join(f"{word}{n}" for n in range(19))


async def test_the_chunks_of_what_has_pages_know_theirs(setup):
    (result, other), _ = await setup.ingest(
        ("a.pdf", "\f".join((paragraph("apple"), paragraph("pear")))), ("b.txt", "plum")
    )
    assert (result.notes, other.notes) == (("no text on page 9",), ())
    for word, page in (("apple3", 1), ("pear7", 2), ("plum", None)):
        found = await setup.retrieval.search.run(SearchQuery("docs", word, top_k=1))
        source = found.hits[0].source
        assert (source.first_page, source.last_page) == (page, page)


async def test_what_is_embedded_is_folded_and_what_is_stored_is_not(setup):
    shown = "The o\ufb01cina of the configu-\nration sets max\\_tokens"
    folded = "The oficina of the configuration sets max_tokens"
    await setup.ingest(("a.txt", shown))
    assert setup.embedder.embedded == [folded]
    await setup.retrieval.rows.upsert("docs", [Row("own", shown)], [None])
    assert setup.embedder.embedded == [folded, folded]
    (hit,) = (await setup.retrieval.search.run(SearchQuery("docs", "o\ufb01cina"))).hits
    assert setup.embedder.embedded[2:] == ["oficina"]
    rows = (hit, *hit.duplicates)
    stored = await setup.texts.rows("docs", [row.id for row in rows])
    assert [hit.text, *(row.text for row in stored)] == [shown, shown, shown]
    source = next(row for row in rows if row.id != "own").source
    assert shown[source.start : source.end] == shown


async def test_the_language_reaches_the_reader_and_another_one_reads_again(setup):
    await setup.ingest(("a.txt", "text"), language="pt-BR")
    (again,), _ = await setup.ingest(("a.txt", "text"), language="pt-BR")
    (other,), _ = await setup.ingest(("a.txt", "text"))
    assert (setup.reader.languages, again.outcome, other.outcome) == (["pt-BR", None], UNCHANGED, CHANGED)
    with pytest.raises(InvalidArgument, match=r'start\.language: must be a tag such as "es"'):
        await setup.ingest(("a.txt", "text"), language="español")
