"""What goes into an ingestion, and what comes out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from jarvis_ports.filters import Metadata, Value


@dataclass(frozen=True, slots=True)
class IngestStart:
    """How to ingest, documents in this language; None is what the server is configured with, or unknown."""

    collection: str
    chunk_tokens: int | None = None
    chunk_overlap: int | None = None
    language: str | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """A document begins; its content follows in `bytes`. The id is the source where it is None.

    `failure` says why it cannot be taken, where that is known before its content comes.
    """

    source: str
    given_id: str | None = None
    media_type: str | None = None
    metadata: Metadata = field(default_factory=dict[str, Value])
    failure: str = ""

    @property
    def id(self) -> str:
        """What it is known by."""
        return self.source if self.given_id is None else self.given_id


@dataclass(frozen=True, slots=True)
class Prune:
    """Delete documents that were not sent, and whose source begins with one of these."""

    prefixes: tuple[str, ...]


IngestEvent = IngestStart | Document | bytes | Prune
"""In this order: the start, then each document with its content, then the pruning where wanted."""


class Outcome(StrEnum):
    """What became of a document."""

    ADDED = "added"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    FAILED = "failed"
    PRUNED = "pruned"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class IngestedDocument:
    """A document is done: chunks that it has now, chunks that were embedded, and why it failed.

    `notes` say what its sender should know of how it was read; `same_as` are the ids of other documents
    that had this content already.
    """

    id: str
    source: str
    outcome: Outcome
    chunks: int = 0
    embedded: int = 0
    message: str = ""
    notes: tuple[str, ...] = ()
    same_as: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A document that is stored, and how many chunks it has."""

    id: str
    source: str
    chunks: int


@dataclass(frozen=True, slots=True)
class IngestFinished:
    """All documents are done: how many of each outcome, and the chunks of those that were sent."""

    documents: Mapping[Outcome, int]
    chunks: int
    embedded: int
