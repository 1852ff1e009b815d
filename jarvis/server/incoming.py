"""Reads the events of an ingestion as they arrive."""

from dataclasses import replace
from functools import partial

from jarvis.core.retrieval.validation import check_document
from jarvis.core.violations import Violations
from jarvis.wire.documents import read_ingest_request
from jarvis.wire.messages import retrieval_pb2 as pb
from jarvis_ports.errors import InvalidArgument
from jarvis_ports.values import Document, IngestEvent


def ingest_event(message: pb.IngestRequest) -> IngestEvent:
    """Return the event in a message; a document with invalid fields becomes one that fails.

    Raises:
        InvalidArgument: the message has no event.
    """
    violations = Violations()
    event = read_ingest_request(message, violations.blame)
    if not isinstance(event, Document):
        return event
    if event.failure is not None:
        return replace(event, failure=event.failure or "its caller cannot send it")
    try:
        violations.refuse(partial(check_document, event))
    except InvalidArgument as error:  # only this document fails, not the others in the stream
        return replace(event, metadata={}, failure=str(error))
    return event
