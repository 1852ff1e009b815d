"""Filters over metadata."""

from collections.abc import Iterable

from jarvis.v1 import retrieval_pb2 as pb
from jarvis.wire.convert import Blame, build
from jarvis.wire.filter_reader import FilterReader
from jarvis.wire.metadata import write_value
from jarvis_ports.errors import InvalidArgument
from jarvis_ports.values import And, Equals, Exists, Filter, In, Not, Or, Range, Value


class FilterConverter:
    """Converts a filter; a wrong clause is blamed by its path, and the whole filter if it is too large."""

    optional = True

    def write(self, value: Filter, path: str) -> pb.Filter:  # noqa: PLR0911 - one a kind
        """Return what the message has for a value; see `Converter`."""
        match value:
            case Equals(field, one):
                return _clause("equals", path, _equals(field, one, f"{path}.equals"))
            case In(field, values):
                return _clause("one_of", path, _one_of(field, values, f"{path}.one_of"))
            case Range(field, gt, gte, lt, lte):
                bounds = {"field": field, "gt": gt, "gte": gte, "lt": lt, "lte": lte}
                return _clause("range", path, build(pb.RangeFilter, bounds, f"{path}.range."))
            case Exists(field):
                return _clause("exists", path, field)
            case And(clauses):
                return _clause("all_of", path, self._list(clauses, f"{path}.all_of"))
            case Or(clauses):
                return _clause("any_of", path, self._list(clauses, f"{path}.any_of"))
            case Not(negated):
                return _clause("negation", path, self.write(negated, f"{path}.negation"))

    def _list(self, clauses: Iterable[Filter], path: str) -> pb.FilterList:
        written = [self.write(one, f"{path}.clauses[{position}]") for position, one in enumerate(clauses)]
        return pb.FilterList(clauses=written)

    def read(self, raw: pb.Filter, path: str, blame: Blame | None) -> Filter:
        """Return the value of what the message has for it; see `Converter`."""
        return FilterReader(path, blame or _pass_over).read(raw, path, 1)


FILTER = FilterConverter()


def parse_filter(text: str) -> Filter:
    """Return the filter of a JSON text, such as {"range": {"field": "year", "gte": 2020}}.

    Raises:
        InvalidArgument: the text is not a filter.
    """
    from google.protobuf import json_format  # noqa: PLC0415 - few need it

    def blame(path: str, description: str) -> None:
        raise InvalidArgument.of("filter", f"{path}: {description}")

    try:
        return FILTER.read(json_format.Parse(text, pb.Filter()), "filter", blame)
    except json_format.ParseError as error:
        raise InvalidArgument.of("filter", str(error)) from None


def _clause(kind: str, path: str, clause: object) -> pb.Filter:
    return build(pb.Filter, {kind: clause}, f"{path}.")


def _equals(field: str, value: Value, path: str) -> pb.EqualsFilter:
    return build(pb.EqualsFilter, {"field": field, "value": write_value(value, f"{path}.value")}, f"{path}.")


def _one_of(field: str, values: Iterable[Value], path: str) -> pb.OneOfFilter:
    written = [write_value(one, f"{path}.values[{position}]") for position, one in enumerate(values)]
    return build(pb.OneOfFilter, {"field": field, "values": written}, f"{path}.")


def _pass_over(path: str, description: str) -> None:
    """Blame nobody."""
