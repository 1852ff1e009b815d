"""Scoring documents by how well they answer a query."""

from jarvis.core.reranking.reranking import Reranking
from jarvis.core.reranking.validation import check_rerank

__all__ = ["Reranking", "check_rerank"]
