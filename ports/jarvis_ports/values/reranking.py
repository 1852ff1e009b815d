"""Requests to score documents by how well they answer a query, and the scores."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RerankRequest:
    """What to score; fields that are None are left to the server."""

    query: str
    documents: tuple[str, ...]
    model: str | None = None
    top_n: int | None = None
    return_documents: bool | None = None
    truncate: bool | None = None


@dataclass(frozen=True, slots=True)
class ScoredDocument:
    """A document's score.

    Attributes:
        index: its place among the documents of the request, from 0.
        score: the larger, the better; comparable only within one model.
        tokens: the number of tokens of the query and the whole document together.
        truncated: whether they were more than the model reads, and were cut off.
        document: its text, if the request asked for it.
    """

    index: int
    score: float
    tokens: int
    truncated: bool = False
    document: str | None = None


@dataclass(frozen=True, slots=True)
class Reranked:
    """The scored documents, the best first, the model that scored them, and the tokens of all."""

    model: str
    results: tuple[ScoredDocument, ...]
    tokens: int
