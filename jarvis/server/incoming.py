"""The events of an ingestion as they come in."""

from dataclasses import replace
from functools import partial

from jarvis.core.retrieval.validation import check_document
from jarvis.core.violations import Violations
from jarvis.wire.documents import read_ingest_request
from jarvis.wire.messages import retrieval_pb2 as pb
from jarvis_ports.errors import InvalidArgument
from jarvis_ports.values import Document, IngestEvent


def ingest_event(message: pb.IngestRequest) -> IngestEvent:
    """Return an event of an ingestion; a document with wrong fields is one that fails.

    Raises:
        InvalidArgument: it is empty.
    """
    violations = Violations()
    event = read_ingest_request(message, violations.blame)
    if not isinstance(event, Document):
        return event
    if event.failure is not None:
        return replace(event, failure=event.failure or "its caller cannot send it")
    try:
        violations.refuse(partial(check_document, event))
    except InvalidArgument as error:  # its own fault, not that of the others in the stream
        return replace(event, metadata={}, failure=str(error))
    return event
