from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jarvis.core.text import Kind, Text
from jarvis.documents.split import CHARACTERS_PER_TOKEN, GRAMMARS, split

CODE = {
    "c": "int main(void) {\n  return 0; // ñ\n}\n",
    "cpp": "class A { public: int f() { return 1; } };\n",
    "go": "package main\nfunc main() {\n\tprintln(1)\n}\n",
    "java": "class A { int f() { return 1; } }\n",
    "javascript": "function f(a) { return a + '🙂'; }\n",
    "python": "def f(a):\n    return a + 'ñ'\n\n\n",
    "rust": 'fn main() { println!("{}", 1); }\n',
    "tsx": "const A = () => <b>{1}</b>;\n",
    "typescript": "function f(a: number): string { return `${a}`; }\n",
}


def words(text):
    """Count words, and the two tokens that a model puts around them."""
    return len(text.split()) + 2


def letters(text):
    return len(text.encode()) + 2


def joined(text):
    """More tokens together than its words have one by one."""
    return len(text.split()) * (3 if " " in text else 1) + 2


def check(text, chunks, max_tokens, count):
    """Check all that holds of chunks whatever the text."""
    covered = set()
    for before, chunk in zip([None, *chunks], chunks, strict=False):
        assert chunk.text == text.text[chunk.start : chunk.end]
        assert chunk.text.strip()
        assert count(chunk.text) <= max_tokens
        assert len(chunk.text) <= CHARACTERS_PER_TOKEN * (max_tokens + 1)
        assert before is None or (before.start < chunk.start and before.end < chunk.end)
        covered.update(range(chunk.start, chunk.end))
    missed = "".join(c for i, c in enumerate(text.text) if i not in covered)
    assert not missed.strip()


TEXTS = st.text(max_size=400) | st.lists(
    st.sampled_from(
        [
            "ñandú",
            "x" * 300,
            "漢字",
            "👩‍👩‍👧",
            "# Head\n",
            "\n\n",
            "def f():\n",
            "    ",
            "{",
            "}",
            "- a\n",
            "word ",
        ]
    ),
    max_size=120,
).map("".join)
KINDS = st.sampled_from(
    [(Kind.PLAIN, None), (Kind.MARKDOWN, None), *((Kind.CODE, name) for name in GRAMMARS)]
)


@given(text=TEXTS, kind=KINDS, overlap=st.integers(0, 7), count=st.sampled_from([words, letters, joined]))
@settings(deadline=None, max_examples=200)
@example("00000\u0800\ud7c7\U0001eb2c000 0G", (Kind.CODE, "c"), 6, letters)
def test_chunks_cover_the_text_and_keep_their_bounds(text, kind, overlap, count):
    whole = Text(text, *kind)
    check(whole, split(whole, max_tokens=16, overlap=overlap, count=count), 16, count)


@pytest.mark.parametrize("language", GRAMMARS)
def test_code_is_split_between_its_parts(language):
    text = Text(CODE[language] * 30, Kind.CODE, language)
    chunks = split(text, max_tokens=40, overlap=0, count=words)
    check(text, chunks, 40, words)
    starts = {CODE[language].split()[0]}
    assert {chunk.text.split()[0] for chunk in chunks} <= starts | {"func"}


def test_markdown_is_split_before_its_headings():
    text = Text("".join(f"# Part {i}\n\n{'word ' * 9}\n\n" for i in range(9)), Kind.MARKDOWN)
    chunks = split(text, max_tokens=20, overlap=0, count=words)
    assert [chunk.text.splitlines()[0] for chunk in chunks] == [f"# Part {i}" for i in range(9)]


def test_chunks_share_tokens_where_that_is_wanted():
    text = Text(" ".join(f"word{i}" for i in range(200)), Kind.PLAIN)
    apart = split(text, max_tokens=30, overlap=0, count=words)
    assert all(one.end < other.start for one, other in pairwise(apart))
    shared = split(text, max_tokens=30, overlap=12, count=words)
    check(text, shared, 30, words)
    for one, other in pairwise(shared):
        assert 0 < words(text.text[other.start : one.end]) <= 12


def test_a_short_text_is_one_chunk():
    assert [
        chunk.text for chunk in split(Text(" a b\n", Kind.PLAIN), max_tokens=16, overlap=4, count=words)
    ] == ["a b"]


@pytest.mark.parametrize("kind", [(Kind.PLAIN, None), (Kind.MARKDOWN, None), (Kind.CODE, "javascript")])
@pytest.mark.parametrize(
    "text",
    [
        "x" * 300_000,
        "- " * 20_000 + "x",
        "{" * 20_000,
        "f(" * 20_000,
        ">" * 100_000,
        "*a_" * 30_000,
        "x" + "\n" * 100_000 + "x" + " " * 100_000 + "x",
    ],
)
def test_text_without_structure_or_nested_without_end_is_split_all_the_same(kind, text):
    whole = Text(text, *kind)
    check(whole, split(whole, max_tokens=256, overlap=32, count=letters), 256, letters)


def test_most_words_are_counted_once():
    calls = 0

    def count(text):
        nonlocal calls
        calls += 1
        return words(text)

    text = Text(
        "\n\n".join(" ".join(f"word{i % 50}" for i in range(j, j + 40)) for j in range(500)), Kind.PLAIN
    )
    chunks = split(text, max_tokens=64, overlap=16, count=count)
    assert calls <= len(chunks) + 51


@pytest.mark.parametrize("kind", [(Kind.PLAIN, None), (Kind.CODE, "python")])
def test_a_failure_to_count_is_raised(kind):
    def count(text):
        if text == "fails":
            raise LookupError("no model")
        return words(text)

    with pytest.raises(LookupError, match="no model"):
        split(Text("this fails here", *kind), max_tokens=16, overlap=0, count=count)
