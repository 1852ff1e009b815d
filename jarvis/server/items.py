"""Counts what a request is made of: as many empty items as fit into its bytes would take a minute to read.

Meanwhile the event loop would serve nobody else.
"""

from collections.abc import Iterable
from functools import cache
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from jarvis.core.retrieval.validation import MAX_FIELDS, MAX_ROWS, check_number_of_rows
from jarvis_ports.errors import MessageTooLarge

MOST_ITEMS = 10_000
"""The most texts and messages in all the lists and maps of a request; lists of numbers do not count."""
ROWS = "jarvis.v1.UpsertRequest"
MOST_OF_ROWS = MAX_ROWS * (1 + MAX_FIELDS)
"""Those of a request with rows."""


def check_items(message: Any) -> None:  # noqa: ANN401 - any message
    """Check how many items a request has.

    Raises:
        MessageTooLarge: it has more than it may.
        InvalidArgument: it has too many rows, or none.
    """
    kind, most = message.DESCRIPTOR, MOST_ITEMS
    if kind.full_name == ROWS:
        check_number_of_rows(len(message.rows))
        most = MOST_OF_ROWS
    if _count(message, kind, most) > most:
        told = f"the request has more than {most} items in its lists; send less at once"
        raise MessageTooLarge.of("", told)


def _count(message: Any, kind: Descriptor, most: int) -> int:  # noqa: ANN401
    """Return the number of items, or any number above `most`."""
    count = 0
    for name, listed, inner in _lists(kind):
        if not listed:
            found: Iterable[Any] = (getattr(message, name),) if message.HasField(name) else ()
        else:
            items = getattr(message, name)
            count += len(items)
            found = items.values() if hasattr(items, "values") else items
        if count > most:
            break
        if inner:
            for one in found:
                count += _count(one, inner, most - count)
                if count > most:
                    break
    return count


@cache
def _lists(kind: Descriptor) -> tuple[tuple[str, bool, Descriptor | None], ...]:
    """Return the fields that are or have lists: the name, whether it is one, and what to look into."""
    found = []
    for field in kind.fields:
        inner = field.message_type
        if inner and inner.GetOptions().map_entry:
            inner = inner.fields_by_name["value"].message_type
        below = inner if inner and _has_lists(inner) else None
        counts = field.is_repeated and (field.message_type or field.type == FieldDescriptor.TYPE_STRING)
        if counts or below:
            found.append((field.name, field.is_repeated, below))
    return tuple(found)


def _has_lists(kind: Descriptor, above: tuple[Descriptor, ...] = ()) -> bool:
    return any(
        field.is_repeated
        or (field.message_type and kind not in above and _has_lists(field.message_type, (*above, kind)))
        for field in kind.fields
    )
