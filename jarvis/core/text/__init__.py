"""Text: what documents are read as, what people see of it, and how it is folded for search."""

from jarvis.core.text.bounds import MAX_CHARACTERS, MAX_EMBEDDED, MAX_QUERY, check_length
from jarvis.core.text.documents import Chunk, DocumentReader, Kind, Text
from jarvis.core.text.fold import fold
from jarvis.core.text.unseen import is_blank, without_unseen

__all__ = [
    "MAX_CHARACTERS",
    "MAX_EMBEDDED",
    "MAX_QUERY",
    "Chunk",
    "DocumentReader",
    "Kind",
    "Text",
    "check_length",
    "fold",
    "is_blank",
    "without_unseen",
]
