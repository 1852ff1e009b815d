"""Filters in JSON, as the contract's messages have it."""

from google.protobuf import json_format

from jarvis.client.errors import invalid
from jarvis.v1 import retrieval_pb2 as pb
from jarvis_ports.filters import And, Equals, Exists, Filter, In, Not, Or, Range, Value


def parse_filter(text: str) -> Filter:
    """Read a filter such as {"range": {"field": "year", "gte": 2020}}.

    Raises:
        JarvisClientError: INVALID_ARGUMENT, it is not a filter.
    """
    try:
        return _filter(json_format.Parse(text, pb.Filter()))
    except json_format.ParseError as error:
        raise invalid("filter", str(error)) from None


def _filter(message: pb.Filter) -> Filter:  # noqa: PLR0911 - one for each kind
    match message.WhichOneof("clause"):
        case "all_of":
            return And(tuple(_filter(clause) for clause in message.all_of.clauses))
        case "any_of":
            return Or(tuple(_filter(clause) for clause in message.any_of.clauses))
        case "negation":
            return Not(_filter(message.negation))
        case "equals":
            return Equals(message.equals.field, _value(message.equals.value))
        case "one_of":
            return In(message.one_of.field, tuple(_value(value) for value in message.one_of.values))
        case "range":
            bounds = {field.name: bound for field, bound in message.range.ListFields()}
            return Range(**bounds)
        case "exists":
            return Exists(message.exists)
    raise invalid("filter", f"a clause is empty; it needs one of {', '.join(_names(pb.Filter))}")


def _value(message: pb.Value) -> Value:
    if kind := message.WhichOneof("kind"):
        value: Value = getattr(message, kind)
        return value
    raise invalid("filter", f"a value is empty; it needs one of {', '.join(_names(pb.Value))}")


def _names(kind: type[pb.Filter | pb.Value]) -> list[str]:
    return [field.name for field in kind.DESCRIPTOR.fields]
