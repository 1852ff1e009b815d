"""Rows as PostgreSQL stores them.

Its texts have no NUL: in ids, texts, fields and strings, NUL is stored as the characters 1 and 2, and the
character 1 twice. Metadata is a flat object in jsonb, which keeps numbers exactly, in decimal. A float has a
point, an integer has none.
"""

import json
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from jarvis_ports.embedding import Matrix
from jarvis_ports.filters import Metadata, Value
from jarvis_ports.store import CollectionSpec, Row, Rows

COLUMNS = "id, text, metadata"
_ESCAPED = re.compile("\1([\1\2])")


def escape(text: str) -> str:
    """Return a text without NUL, from which `unescape` makes it again."""
    return text.replace("\1", "\1\1").replace("\0", "\1\2")


def unescape(text: str) -> str:
    """Return what `escape` was given."""
    return _ESCAPED.sub(lambda found: "\1" if found[1] == "\1" else "\0", text) if "\1" in text else text


def number(value: float) -> str:
    """Return a number in decimal, without an exponent; two are equal if the numbers are.

    An integer above 2**53 and a float compare as in Python: such a float is written as the integer it is.
    """
    if isinstance(value, int):
        return str(value)
    return f"{int(value)}.0" if value.is_integer() else f"{Decimal(repr(value)):f}"


def to_json(metadata: Metadata) -> str:
    """Return metadata as JSON."""
    return f"{{{', '.join(f'{json.dumps(escape(field))}: {_json(metadata[field])}' for field in metadata)}}}"


def to_record(row: Row, vector: Matrix) -> tuple[str, str, str, Matrix]:
    """Return the columns of a row: `COLUMNS`, and its vector."""
    return escape(row.id), escape(row.text), to_json(row.metadata), vector


def to_row(record: Any) -> Row:  # noqa: ANN401 - asyncpg's records are not typed
    """Return the row of a record that has `COLUMNS`."""
    fields = json.loads(record["metadata"])
    metadata = {
        unescape(field): unescape(value) if isinstance(value, str) else value
        for field, value in fields.items()
    }
    return Row(unescape(record["id"]), unescape(record["text"]), metadata)


def to_rows(records: Sequence[Any], spec: CollectionSpec, *, vectors: bool) -> Rows:
    """Return the rows of records that have `COLUMNS`, and `embedding` if vectors are asked for."""
    rows = tuple(to_row(record) for record in records)
    if not vectors:
        return Rows(rows)
    found = [record["embedding"] for record in records]
    return Rows(rows, np.array(found, np.float32).reshape(-1, spec.dimension))


def _json(value: Value) -> str:
    return json.dumps(escape(value)) if isinstance(value, str) else _bare(value)


def _bare(value: float) -> str:
    return json.dumps(value) if isinstance(value, bool) else number(value)
