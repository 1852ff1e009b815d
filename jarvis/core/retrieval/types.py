"""What retrieval is configured with."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RetrievalSettings:
    """How documents are read where a request does not say: tokens of a chunk, and shared; bytes."""

    chunk_tokens: int
    chunk_overlap: int
    max_document_bytes: int
