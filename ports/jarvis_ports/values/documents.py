"""What goes into an ingestion, and what comes out."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from jarvis_ports.values.enums import OpenEnum
from jarvis_ports.values.filters import Metadata, Value


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
    """A document to ingest.

    Attributes:
        source: where it comes from; its ending tells what it is, unless `media_type` does.
        data: its content; on the wire it follows the rest, in parts.
        id: what it is known by; the source where it is None.
        media_type: what it is, such as "text/html".
        metadata: that of each of its chunks.
        failure: why it cannot be sent or taken: it fails with this message, and what is stored of it stays.
    """

    source: str
    data: bytes = b""
    id: str | None = None
    media_type: str | None = None
    metadata: Metadata = field(default_factory=dict[str, Value])
    failure: str | None = None

    @property
    def document_id(self) -> str:
        """What it is known by."""
        return self.source if self.id is None else self.id


@dataclass(frozen=True, slots=True)
class Prune:
    """Delete documents that were not sent, and whose source begins with one of these."""

    prefixes: tuple[str, ...]


IngestEvent = IngestStart | Document | bytes | Prune
"""The events of an ingestion: the start, then each document with its content, then the pruning, if wanted."""


class Outcome(OpenEnum):
    """What became of a document."""

    ADDED = "added"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    FAILED = "failed"
    PRUNED = "pruned"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class IngestedDocument:
    """A document is done: chunks that it has now, those that were embedded for it, and why it failed.

    `notes` say what its sender should know of how it was read, such as the encoding that was guessed;
    `same_as` are the ids of other documents that had the same content already, at most 100.
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
class IngestFinished:
    """All documents are done: how many of each outcome, and the chunks of all that were sent."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    failed: int = 0
    pruned: int = 0
    chunks: int = 0
    embedded: int = 0
    empty: int = 0

    @property
    def documents(self) -> Mapping[Outcome, int]:
        """How many there are of each outcome that there are any of."""
        return {outcome: number for outcome in Outcome if (number := getattr(self, outcome.value))}


IngestResult = IngestedDocument | IngestFinished


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A document that is stored, and how many chunks it has."""

    id: str
    source: str
    chunks: int


@dataclass(frozen=True, slots=True)
class DocumentsQuery:
    """Which stored documents to list: those whose source begins with one of these, or all for none."""

    collection: str
    prefixes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DocumentsDeletion:
    """Which stored documents to delete, by their ids."""

    collection: str
    ids: tuple[str, ...]
