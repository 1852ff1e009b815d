"""The settings of retrieval."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RetrievalSettings:
    """The default tokens of a chunk and of an overlap, and the most bytes of a document.

    The first `rerank_candidates` hits of a search are reranked, if that takes at most `rerank_seconds`.
    """

    chunk_tokens: int
    chunk_overlap: int
    max_document_bytes: int
    rerank_candidates: int = 50
    rerank_seconds: float = 5.0
