"""Turning texts into vectors: from the caches, or in batches through the model."""

from jarvis.core.embedding.embedding import Embedding
from jarvis.core.embedding.validation import MAX_TEXTS

__all__ = ["MAX_TEXTS", "Embedding"]
