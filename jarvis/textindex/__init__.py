"""The text index: it finds rows of the vector store by their words, and knows which rows a document has."""

from jarvis.textindex.fold import fold
from jarvis.textindex.index import TextIndex
from jarvis.textindex.types import DocumentRows, TextMatch

__all__ = ["DocumentRows", "TextIndex", "TextMatch", "fold"]
