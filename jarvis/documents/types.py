"""What a document becomes."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a text is, which says where it is best split."""

    PLAIN = "plain"
    MARKDOWN = "markdown"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Text:
    """What was read of a document. `language` is set for code: a key of `jarvis.documents.split.GRAMMARS`."""

    text: str
    kind: Kind
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Chunk:
    """A part of a text: `text == whole[start:end]`, counted in code points."""

    text: str
    start: int
    end: int
