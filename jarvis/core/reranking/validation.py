"""Checks what is to be scored before a model sees it."""

from collections.abc import Iterator

from jarvis.core.text import MAX_CHARACTERS, MAX_QUERY, check_length, is_blank
from jarvis_ports.errors import FieldViolation, InvalidArgument
from jarvis_ports.values import RerankRequest

MAX_DOCUMENTS = 1000
"""The most documents in one request."""


def check_rerank(request: RerankRequest) -> None:
    """Check everything but the length of the documents.

    Raises:
        InvalidArgument: naming every field that is wrong.
    """
    if violations := list(_violations(request)):
        raise InvalidArgument(violations)


def _violations(request: RerankRequest) -> Iterator[FieldViolation]:
    if is_blank(request.query):
        yield FieldViolation("query", "is blank: write what the documents are to answer")
    else:
        yield from check_length("query", request.query, MAX_QUERY)
    if not 1 <= (count := len(request.documents)) <= MAX_DOCUMENTS:
        yield FieldViolation("documents", f"must be 1 to {MAX_DOCUMENTS} documents, got {count}")
    else:
        for index, document in enumerate(request.documents):
            yield from check_length(f"documents[{index}]", document, MAX_CHARACTERS)
    if request.top_n == 0:
        yield FieldViolation("top_n", "must be at least 1, got 0")
