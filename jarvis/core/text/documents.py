"""The text and the chunks of a document, and the protocol of the reader that makes them."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Kind(StrEnum):
    """The kind of a text, which determines where it is best split."""

    PLAIN = "plain"
    MARKDOWN = "markdown"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Text:
    """The text that was read from a document.

    Attributes:
        text: the text, without what no reader sees.
        kind: the kind of the text.
        language: the programming language of source code, such as "python".
        notes: what its sender should know: how it was decoded, which of its pages could not be read.
        pages: the offset in `text` at which each page begins, if the document has pages.
        cuts: the places in `text` where something was left out of the document, in order, and how many
            characters were left out up to there.
    """

    text: str
    kind: Kind
    language: str | None = None
    notes: tuple[str, ...] = ()
    pages: tuple[int, ...] = ()
    cuts: tuple[tuple[int, int], ...] = ()

    def chunk(self, start: int, end: int) -> "Chunk":
        """Return the part [start, end) of `text` as a chunk, with its place in the document."""
        pages = (bisect_right(self.pages, start), bisect_right(self.pages, end - 1)) if self.pages else None
        first = bisect_right(self.cuts, start, key=_place)
        last = bisect_left(self.cuts, end, key=_place)
        return Chunk(self.text[start:end], start + self._missing(first), end + self._missing(last), pages)

    def _missing(self, cuts: int) -> int:
        return self.cuts[cuts - 1][1] if cuts else 0


def _place(cut: tuple[int, int]) -> int:
    return cut[0]


@dataclass(frozen=True, slots=True)
class Chunk:
    """A part of a document: its text, and its place there, counted in code points.

    What was left out of the document is missing from `text`, but counts in `start` and `end`. `pages` are the
    first and the last page that the chunk is on, counted from 1, if the document has pages.
    """

    text: str
    start: int
    end: int
    pages: tuple[int, int] | None = None


class DocumentReader(Protocol):
    """Reads documents as text, and splits the text into chunks."""

    async def read(
        self, data: bytes, source: str, media_type: str | None, language: str | None = None
    ) -> Text:
        """Return the text of a document.

        Args:
            data: its content.
            source: its path or address; the ending says what type it has, and messages name it.
            media_type: its type ("text/html; charset=…"), which takes precedence over the ending.
            language: what it is written in, as a BCP 47 tag; decides the encoding if nothing else does.

        Raises:
            DocumentUnreadable: it cannot be read; the message says what to do.
        """
        ...

    def split(self, text: Text, *, max_tokens: int, overlap: int, count: Callable[[str], int]) -> list[Chunk]:
        """Return the chunks of a text in order, which cover all of it but white space. This call blocks.

        Args:
            text: what was read.
            max_tokens: the most tokens of a chunk, as `count` counts them; at least 16.
            overlap: the most tokens that a chunk shares with the one before; less than half of `max_tokens`.
            count: counts the tokens of a text, special tokens included. What it raises is raised.
        """
        ...
