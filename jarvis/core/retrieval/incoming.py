"""Puts the documents of an ingestion together from the parts in which they arrive."""

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass

from jarvis.core.retrieval.validation import check_document
from jarvis_ports.errors import InvalidArgument
from jarvis_ports.values import Document, IngestEvent, IngestStart, Prune

MAX_TOLD = 8192
"""The most bytes of a source, an id or a failure that a result repeats: more than any path of Linux has."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A document that has arrived in full; `problem` says why it cannot be ingested, if it cannot."""

    document: Document
    data: bytes
    problem: str = ""


class Incoming:
    """Reads the events of an ingestion that follow its start, with no more than one document in memory.

    Args:
        events: the events.
        max_bytes: the size of the largest document; the content of a larger one is thrown away.
    """

    def __init__(self, events: AsyncIterator[IngestEvent], max_bytes: int) -> None:
        self._events = events
        self._max_bytes = max_bytes
        self.prune: Prune | None = None
        """What to prune; known once all documents are read."""
        self.ids: set[str] = set()
        """The ids of the documents so far."""

    async def documents(self) -> AsyncGenerator[Sent, None]:
        """Yield each document once it is whole.

        Raises:
            InvalidArgument: an event is wrong, or out of order.
        """
        document: Document | None = None
        content = bytearray()
        size = 0
        async for event in self._events:
            if self.prune:
                raise InvalidArgument.of("prune", "must come last")
            match event:
                case bytes():
                    if document is None:
                        raise InvalidArgument.of("data", "must follow a document")
                    size += len(event)
                    if size <= self._max_bytes:
                        content += event
                    else:
                        content.clear()
                case Document() | Prune():
                    if document:
                        yield self._sent(document, content, size)
                    content, size = bytearray(), 0
                    document = self._begun(event)
                case IngestStart():
                    raise InvalidArgument.of("start", "must come once, and first")
        if document:
            yield self._sent(document, content, size)

    def _begun(self, event: Document | Prune) -> Document | None:
        if isinstance(event, Document):
            return _checked(event)
        if not event.prefixes:
            raise InvalidArgument.of("prune.prefixes", 'is empty; the prefix "" is every document')
        self.prune = event
        return None

    def _sent(self, document: Document, content: bytearray, size: int) -> Sent:
        problem = ""
        if document.failure:
            problem = document.failure
        elif document.document_id in self.ids:
            problem = (
                f"a document of the id {document.document_id!r} came before it; give each an id of its own"
            )
        elif size > self._max_bytes:
            problem = f"has {size} bytes, and retrieval.max_document_bytes is {self._max_bytes}"
        self.ids.add(document.document_id)
        return Sent(document, b"" if problem else bytes(content), problem)


def _checked(document: Document) -> Document:
    """Return the document, or one that fails if a field of it is wrong: the others are not to blame."""
    failure = document.failure or _fault(document)
    if not failure:
        return document
    source, id_, failure = (
        text.encode()[:MAX_TOLD].decode(errors="ignore")
        for text in (document.source, document.document_id, failure)
    )
    return Document(source, id=id_, failure=failure)


def _fault(document: Document) -> str:
    try:
        check_document(document)
    except InvalidArgument as error:
        return str(error)
    return ""
