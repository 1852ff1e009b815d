"""The settings of retrieval."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RetrievalSettings:
    """The default tokens of a chunk and of an overlap, and the most bytes of a document."""

    chunk_tokens: int
    chunk_overlap: int
    max_document_bytes: int
