"""Splits text into chunks at the places that its kind suggests."""

from collections.abc import Callable, Iterator
from importlib import import_module
from time import thread_time

from semantic_text_splitter import CodeSplitter, MarkdownSplitter, TextSplitter

from jarvis.core.text import Chunk, Kind, Text

GRAMMARS = {
    "c": ("tree_sitter_c", "language"),
    "cpp": ("tree_sitter_cpp", "language"),
    "go": ("tree_sitter_go", "language"),
    "java": ("tree_sitter_java", "language"),
    "javascript": ("tree_sitter_javascript", "language"),
    "python": ("tree_sitter_python", "language"),
    "rust": ("tree_sitter_rust", "language"),
    "tsx": ("tree_sitter_typescript", "language_tsx"),
    "typescript": ("tree_sitter_typescript", "language_typescript"),
}
"""The module of each language, and the function in it that returns the grammar."""

CHARACTERS_PER_TOKEN = 8
"""The most characters of a chunk per token that it may have.

Tokenizers turn a word that is too long for them into one unknown token: tokens alone would not bound a chunk.
"""
SECTION = {Kind.PLAIN: 64_000, Kind.MARKDOWN: 64_000, Kind.CODE: 16_000}
"""The number of characters split at a time: the work grows faster than a text that has no structure."""
STRUCTURE_SECONDS = 1.0
"""Seconds of CPU time for a section of code or Markdown.

Most need a tenth of it; one that is nested thousands deep would need hours. If a section takes longer, it and
the rest of the document are split as plain text.
"""

_BOUNDARIES = ("\n\n", "\n", " ")


class _TooSlow(Exception):
    """A section takes longer than `STRUCTURE_SECONDS`."""


def split(text: Text, *, max_tokens: int, overlap: int, count: Callable[[str], int]) -> list[Chunk]:
    """Split a text into ordered chunks that cover all but white space, and neither begin nor end with it.

    Their places are those in the document: see `jarvis.core.text.Chunk`.

    This blocks for seconds per megabyte, mostly in `count`.

    Args:
        text: what was read.
        max_tokens: the most tokens of a chunk, by `count`; at least 16.
        overlap: the most tokens that a chunk shares with the one before; less than half of `max_tokens`.
        count: counts the tokens of a text, special tokens included. What it raises is passed on.
    """
    size = _Size(count, max_tokens)
    kind = text.kind
    spans: list[tuple[int, int]] = []
    end = 0
    for start, section in _sections(text.text, SECTION[kind]):
        try:
            parts = _split(section, kind, text.language, size, overlap)
        except _TooSlow:
            kind = Kind.PLAIN
            parts = _split(section, kind, None, size, overlap)
        for at, part in parts:
            for inner, piece in _fitting(part, count, max_tokens):
                begin = start + at + inner
                stop = begin + len(piece)
                if stop <= end:  # the chunk before may already hold all of it
                    continue
                if spans and begin <= spans[-1][0]:  # the overlap is longer than the half before it
                    begin = spans[-1][0] + 1
                kept = text.text[begin:stop].lstrip()
                spans.append((stop - len(kept), stop))
                end = stop
    return [text.chunk(*span) for span in spans]


class _Size:
    """Counts the tokens of a text as the sum of those of its words; each distinct word is counted once.

    The result is exact for tokenizers that treat white space as a boundary, and nearly so for others.
    """

    def __init__(self, count: Callable[[str], int], max_tokens: int) -> None:
        self._count = count
        self.most = max_tokens
        self._special = count("")
        self._words: dict[str, int] = {}

    def __call__(self, text: str) -> int:
        if (least := len(text) // CHARACTERS_PER_TOKEN) > self.most:
            return least
        return max(least, self._special + sum(map(self._word, text.split())))

    def _word(self, word: str) -> int:
        if (found := self._words.get(word)) is None:
            found = self._words[word] = self._count(word) - self._special
        return found


def _sections(text: str, length: int) -> Iterator[tuple[int, str]]:
    start = 0
    while start < len(text):
        end = start + length
        if end < len(text):
            least = start + length // 2
            found = (text.rfind(boundary, least, end) for boundary in _BOUNDARIES)
            end = next((at for at in found if at >= 0), end)
        yield start, text[start:end]
        start = end


def _split(
    section: str, kind: Kind, language: str | None, size: _Size, overlap: int
) -> list[tuple[int, str]]:
    deadline = thread_time() + STRUCTURE_SECONDS

    def limited(text: str) -> int:
        if thread_time() > deadline:
            raise _TooSlow
        return size(text)

    if kind is Kind.CODE and language:
        module, function = GRAMMARS[language]
        grammar = getattr(import_module(module), function)()
        return CodeSplitter.from_callback(grammar, limited, size.most, overlap).chunk_indices(section)
    if kind is Kind.MARKDOWN:
        return MarkdownSplitter.from_callback(limited, size.most, overlap).chunk_indices(section)
    return TextSplitter.from_callback(size, size.most, overlap).chunk_indices(section)


def _fitting(part: str, count: Callable[[str], int], max_tokens: int) -> Iterator[tuple[int, str]]:
    """Halve a chunk until it fits: it may have more tokens than its words have one by one."""
    begin = len(part) - len(part.lstrip())
    piece = part.strip()
    if count(piece) <= max_tokens or len(piece) < 2:
        if piece:
            yield begin, piece
        return
    middle = len(piece) // 2
    space = piece.rfind(" ", 1, middle)
    cut = space if space > 0 else middle
    for at, half in ((0, piece[:cut]), (cut, piece[cut:])):
        for inner, fitting in _fitting(half, count, max_tokens):
            yield begin + at + inner, fitting
