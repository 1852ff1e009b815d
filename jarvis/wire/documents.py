"""retrieval.proto: documents."""

from collections.abc import Iterator

from jarvis.v1 import retrieval_pb2 as pb
from jarvis.wire.codec import Codec
from jarvis.wire.convert import REFUSED, Blame, Enumeration, Many
from jarvis.wire.metadata import METADATA
from jarvis.wire.shapes import Events, Only
from jarvis_ports.errors import InvalidArgument
from jarvis_ports.values import (
    Document,
    DocumentsDeletion,
    DocumentsQuery,
    IngestedDocument,
    IngestEvent,
    IngestFinished,
    IngestResult,
    IngestStart,
    Outcome,
    Prune,
    StoredDocument,
)

PART = 256 * 1024
"""The most bytes of a document in one message."""

START = Codec(pb.IngestStart, IngestStart)
DOCUMENT = Codec(pb.IngestDocument, Document, metadata=METADATA)
PRUNE = Codec(pb.IngestPrune, Prune)
OUTCOMES = Enumeration(pb.IngestOutcome, Outcome, unset=REFUSED)
INGESTED = Codec(pb.IngestedDocument, IngestedDocument, outcome=OUTCOMES)
FINISHED = Codec(pb.IngestFinished, IngestFinished)
RESULTS: Events[pb.IngestResponse, IngestResult] = Events(
    pb.IngestResponse, document=INGESTED, finished=FINISHED
)
STORED: Only[pb.ListDocumentsResponse, tuple[StoredDocument, ...]] = Only(
    pb.ListDocumentsResponse, Many(Codec(pb.StoredDocument, StoredDocument))
)
QUERY = Codec(pb.ListDocumentsRequest, DocumentsQuery)
DELETION = Codec(pb.DeleteDocumentsRequest, DocumentsDeletion)
DELETED: Only[pb.DeleteDocumentsResponse, int] = Only(pb.DeleteDocumentsResponse)


def ingest_requests(event: IngestEvent) -> Iterator[pb.IngestRequest]:
    """Yield the messages of an event; a document is followed by its content, in parts.

    A document with a value that cannot be sent is sent as one that fails: the others are not to blame.

    Raises:
        InvalidArgument: another value cannot be sent; the error names the field.
    """
    match event:
        case IngestStart():
            yield pb.IngestRequest(start=START.write(event, "start"))
        case Prune():
            yield pb.IngestRequest(prune=PRUNE.write(event, "prune"))
        case bytes():
            for start in range(0, len(event), PART):
                yield pb.IngestRequest(data=event[start : start + PART])
        case Document():
            yield pb.IngestRequest(document=(message := _document(event)))
            if message and not message.HasField("failure"):
                yield from ingest_requests(event.data)


def _document(document: Document) -> pb.IngestDocument | None:
    try:
        return DOCUMENT.write(document, "document")
    except InvalidArgument as error:
        id_ = None if document.id is None else _shown(document.id)
        return pb.IngestDocument(source=_shown(document.source), id=id_, failure=str(error))


def _shown(text: object) -> str:
    return str(text).encode(errors="backslashreplace").decode()


def read_ingest_request(message: pb.IngestRequest, blame: Blame) -> IngestEvent:
    """Return the event of an ingestion that a message has; wrong metadata of a document is blamed.

    Raises:
        InvalidArgument: the message is empty.
    """
    match message.WhichOneof("event"):
        case "start":
            return START.read(message.start)
        case "document":
            return DOCUMENT.read(message.document, "document", blame)
        case "data":
            return message.data
        case "prune":
            return PRUNE.read(message.prune)
        case None:
            raise InvalidArgument.of("event", "set start, document, data or prune")
