"""The input and the results of an ingestion."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from jarvis_ports.values.enums import OpenEnum
from jarvis_ports.values.filters import Metadata, Value


@dataclass(frozen=True, slots=True)
class IngestStart:
    """How to ingest. A setting of None is the server's own, and a language of None is unknown."""

    collection: str
    chunk_tokens: int | None = None
    chunk_overlap: int | None = None
    language: str | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """A document to ingest.

    Attributes:
        source: where it comes from; its ending says what type it is, unless `media_type` does.
        data: its content; on the wire it follows the rest, in parts.
        id: its identifier; the source if None.
        media_type: its type, such as "text/html".
        metadata: the metadata of each of its chunks.
        failure: why it cannot be sent or accepted: it fails with this message, and its stored chunks stay.
    """

    source: str
    data: bytes = b""
    id: str | None = None
    media_type: str | None = None
    metadata: Metadata = field(default_factory=dict[str, Value])
    failure: str | None = None

    @property
    def document_id(self) -> str:
        """The identifier of the document."""
        return self.source if self.id is None else self.id


@dataclass(frozen=True, slots=True)
class Prune:
    """Deletes documents that were not sent and whose source begins with one of these prefixes."""

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
    """A document is done: the chunks that it has now, how many were embedded for it, and why it failed.

    `notes` say what its sender should know about how it was read, such as the encoding that was guessed;
    `same_as` are the ids of other documents that already had the same content, at most 100.
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
    """All documents are done: the number with each outcome, and the chunks of all that were sent."""

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
        """The number of documents with each outcome, without those that did not occur."""
        return {outcome: number for outcome in Outcome if (number := getattr(self, outcome.value))}


IngestResult = IngestedDocument | IngestFinished


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A stored document, and the number of its chunks."""

    id: str
    source: str
    chunks: int


@dataclass(frozen=True, slots=True)
class DocumentsQuery:
    """Which stored documents to list: those whose source begins with one of the prefixes, or all if none."""

    collection: str
    prefixes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DocumentsDeletion:
    """Which stored documents to delete, by their ids."""

    collection: str
    ids: tuple[str, ...]
