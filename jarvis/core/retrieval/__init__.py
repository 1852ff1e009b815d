"""The use cases of retrieval: collections, rows, documents, search."""

from jarvis.core.retrieval.library import Library
from jarvis.core.retrieval.retrieval import Retrieval
from jarvis.core.retrieval.search import Search
from jarvis.core.retrieval.types import RetrievalSettings

__all__ = ["Library", "Retrieval", "RetrievalSettings", "Search"]
