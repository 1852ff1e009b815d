"""What the text index answers with."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TextMatch:
    """A row that has words of the query. `score` is BM25, above 0, larger is better."""

    id: str
    score: float


@dataclass(frozen=True, slots=True)
class DocumentRows:
    """The rows that a document has now.

    `ids` are in the order of their `_ordinal`; `source` is that of the first. Rows of different `_hash`,
    which a replacement that was cut off leaves, have the hash "" and 0 chunks.
    """

    document: str
    source: str
    hash: str
    chunks: int
    ids: tuple[str, ...]
