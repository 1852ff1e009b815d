"""Text: what documents become, what of it people see, and how it is folded for search."""

from jarvis.core.text.documents import Chunk, DocumentReader, Kind, Text
from jarvis.core.text.fold import fold
from jarvis.core.text.unseen import without_unseen

__all__ = ["Chunk", "DocumentReader", "Kind", "Text", "fold", "without_unseen"]
