"""Checks what callers ask of retrieval. Limits are those of the contract."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from jarvis.core.retrieval.hits import RESERVED
from jarvis.core.text import MAX_CHARACTERS, MAX_QUERY, check_length, is_blank
from jarvis.core.violations import MOST_TOLD
from jarvis_ports.errors import FieldViolation, InvalidArgument
from jarvis_ports.values import Document, IndexSettings, Metadata, Row, SearchMode, SearchQuery, Value

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]")
MAX_ROWS = 2048
MAX_ID = 512
MAX_FIELDS = 64
MAX_FIELD_NAME = 128
MAX_TOP_K = 1000
MAX_SOURCE = 2048
MAX_DOCUMENT_ID = 256
MAX_MEDIA_TYPE = 256
MAX_DOCUMENT_FIELDS = 56
INDEX_RANGES: Mapping[str, tuple[int, int]] = {
    "max_neighbors": (2, 512),
    "ef_construction": (1, 10_000),
    "ef_search": (1, 10_000),
}


def check_collection(name: str, index: IndexSettings) -> None:
    """Check a collection that is to be made.

    Raises:
        InvalidArgument: naming every field that is wrong.
    """
    violations = list(_index(index))
    if not NAME.fullmatch(name):
        wanted = '3 to 63 characters: letters, digits, ".", "_" and "-", a letter or digit first and last'
        violations.insert(0, FieldViolation("name", f"must have {wanted}; got {name[:80]!r}"))
    if violations:
        raise InvalidArgument(violations)


def check_index(index: IndexSettings) -> None:
    """Check index settings.

    Raises:
        InvalidArgument: naming every field that is out of range.
    """
    if violations := list(_index(index)):
        raise InvalidArgument(violations)


def _index(index: IndexSettings) -> Iterator[FieldViolation]:
    for name, (low, high) in INDEX_RANGES.items():
        if not low <= (value := getattr(index, name)) <= high:
            yield FieldViolation(f"index.{name}", f"must be in [{low}, {high}], got {value}")


def check_rows(rows: Sequence[Row]) -> None:
    """Check rows that callers want stored.

    Raises:
        InvalidArgument: naming every field that is wrong.
    """
    check_number_of_rows(len(rows))
    if violations := list(islice(_rows(rows), MOST_TOLD)):
        raise InvalidArgument(violations)


def check_number_of_rows(count: int) -> None:
    """Check how many rows callers want stored at once; raise `InvalidArgument` if none, or too many."""
    if not 1 <= count <= MAX_ROWS:
        raise InvalidArgument.of("rows", f"must be 1 to {MAX_ROWS} rows, got {count}")


def _rows(rows: Sequence[Row]) -> Iterator[FieldViolation]:
    positions: dict[str, int] = {}
    for position, row in enumerate(rows):
        path = f"rows[{position}]"
        yield from length(f"{path}.id", row.id, MAX_ID)
        if (first := positions.setdefault(row.id, position)) != position:
            yield FieldViolation(f"{path}.id", f"{row.id!r} is the id of rows[{first}] too")
        yield from check_length(f"{path}.text", row.text, MAX_CHARACTERS)
        yield from metadata(f"{path}.metadata", row.metadata, MAX_FIELDS)


def check_document(document: Document) -> None:
    """Check what is said of a document before its content arrives.

    Raises:
        InvalidArgument: naming every field that is wrong.
    """
    if violations := list(_document(document)):
        raise InvalidArgument(violations)


def _document(document: Document) -> Iterator[FieldViolation]:
    yield from length("document.source", document.source, MAX_SOURCE)
    if document.id is not None:
        yield from length("document.id", document.id, MAX_DOCUMENT_ID)
    if document.media_type is not None:
        yield from length("document.media_type", document.media_type, MAX_MEDIA_TYPE)
    yield from metadata("document.metadata", document.metadata, MAX_DOCUMENT_FIELDS)


def length(path: str, text: str, most: int) -> Iterator[FieldViolation]:
    """Check that a text has 1 to `most` bytes of UTF-8."""
    if not 1 <= (size := len(text.encode())) <= most:
        yield FieldViolation(path, f"must have 1 to {most} bytes, has {size}")


def metadata(path: str, fields: Metadata, most: int) -> Iterator[FieldViolation]:
    """Check the metadata that a caller sets, which may have at most `most` fields."""
    if len(fields) > most:
        yield FieldViolation(path, f"at most {most} fields, got {len(fields)}")
    for name, value in fields.items():
        if name.startswith(RESERVED):
            yield FieldViolation(path, f"the name {name[:80]!r} begins with {RESERVED!r}, which is reserved")
        yield from length(path, name, MAX_FIELD_NAME)
        yield from _value(f"{path}[{name}]", value)


def _value(path: str, value: Value) -> Iterator[FieldViolation]:
    if isinstance(value, float) and not math.isfinite(value):
        yield FieldViolation(path, f"must be finite, got {value}")


def check_query(query: SearchQuery) -> SearchMode:
    """Check a query, and return how to search.

    Raises:
        InvalidArgument: naming every field that is wrong.
    """
    mode = query.mode or (SearchMode.DENSE if query.vector is not None else SearchMode.HYBRID)
    if violations := list(_query(query, mode)):
        raise InvalidArgument(violations)
    return mode


def _query(query: SearchQuery, mode: SearchMode) -> Iterator[FieldViolation]:
    if (query.text is None) == (query.vector is None):
        yield FieldViolation("text", "set either text or vector")
    elif query.text is not None and is_blank(query.text):
        yield FieldViolation("text", "is blank: write what to find")
    elif query.text is not None:
        yield from check_length("text", query.text, MAX_QUERY)
    elif mode is not SearchMode.DENSE:
        yield FieldViolation("mode", f"the mode {mode} needs a text; a vector is searched in the mode dense")
    if query.rerank and query.text is None:
        yield FieldViolation("rerank", "needs a text: a reranker reads the query")
    if not 1 <= query.top_k <= MAX_TOP_K:
        yield FieldViolation("top_k", f"must be in [1, {MAX_TOP_K}], got {query.top_k}")
    if query.min_similarity is not None:
        if mode is SearchMode.SPARSE:
            yield FieldViolation("min_similarity", "the mode sparse has no similarities")
        elif not math.isfinite(query.min_similarity):
            yield FieldViolation("min_similarity", f"must be finite, got {query.min_similarity}")
