"""The text index on SQLite: it finds rows of the vector store by their words."""

from jarvis.textindex.index import SQLiteTextIndex

__all__ = ["SQLiteTextIndex"]
