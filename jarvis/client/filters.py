"""Filters and metadata to messages."""

import math
from typing import Any

from jarvis.client.errors import invalid
from jarvis.client.messages import build
from jarvis.v1 import retrieval_pb2 as pb
from jarvis_ports.filters import And, Equals, Exists, Filter, In, Metadata, Not, Or, Range, Value


def filter_message(passing: Filter, path: str = "filter") -> pb.Filter:
    """Write a filter, which is at this path of a request.

    Raises:
        JarvisClientError: INVALID_ARGUMENT, a value cannot be sent.
    """
    kind = KINDS[type(passing)]
    return build(pb.Filter, f"{path}.", **{kind: _clause(passing, f"{path}.{kind}")})


KINDS = {
    Equals: "equals",
    In: "one_of",
    Range: "range",
    Exists: "exists",
    And: "all_of",
    Or: "any_of",
    Not: "negation",
}


def _clause(clause: Filter, path: str) -> object:
    match clause:
        case Equals(field, value):
            return build(
                pb.EqualsFilter, f"{path}.", field=field, value=value_message(value, f"{path}.value")
            )
        case In(field, values):
            sent = [value_message(value, f"{path}.values[{i}]") for i, value in enumerate(values)]
            return build(pb.OneOfFilter, f"{path}.", field=field, values=sent)
        case Range(field, gt, gte, lt, lte):
            return build(pb.RangeFilter, f"{path}.", field=field, gt=gt, gte=gte, lt=lt, lte=lte)
        case Exists(field):
            return field
        case And(clauses) | Or(clauses):
            return pb.FilterList(
                clauses=[filter_message(one, f"{path}.clauses[{i}]") for i, one in enumerate(clauses)]
            )
        case Not(negated):
            return filter_message(negated, path)


def metadata_messages(metadata: Metadata, path: str) -> dict[str, pb.Value]:
    """Write metadata.

    Raises:
        JarvisClientError: INVALID_ARGUMENT, a value is of none of the types, or does not fit its type.
    """
    return {name: value_message(value, f"{path}[{name}]") for name, value in metadata.items()}


def value_message(value: Value, path: str) -> pb.Value:
    """Write a metadata value.

    Raises:
        JarvisClientError: INVALID_ARGUMENT, it is of none of the types, or does not fit its type.
    """
    match value:
        case bool():
            return pb.Value(bool_value=value)
        case int() if -(2**63) <= value < 2**63:
            return pb.Value(int_value=value)
        case float() if math.isfinite(value):
            return pb.Value(double_value=value)
        case str():
            return build(pb.Value, f"{path}.", string_value=value)
    raise invalid(path, f"must be a text, a 64-bit integer, a finite number or a bool, got {value!r}")


def read_metadata(messages: Any) -> Metadata:  # noqa: ANN401 - a protobuf map
    """Read metadata."""
    return {name: getattr(message, message.WhichOneof("kind")) for name, message in messages.items()}
