"""Metadata of rows and documents."""

import math
from collections.abc import Mapping

from jarvis.v1 import retrieval_pb2 as pb
from jarvis.wire.convert import Blame, build
from jarvis_ports.errors import InvalidArgument
from jarvis_ports.values import Metadata, Value


class MetadataMap:
    """Converts metadata; each wrong value is blamed."""

    def write(self, value: Metadata, path: str) -> dict[str, pb.Value]:
        """Return what the message has for a value; see `Converter`."""
        return {name: write_value(one, f"{path}[{name}]") for name, one in value.items()}

    def read(self, raw: Mapping[str, pb.Value], path: str, blame: Blame | None) -> Metadata:
        """Return the value of what the message has for it; see `Converter`."""
        read = ((name, read_value(one, f"{path}[{name}]", blame)) for name, one in raw.items())
        return {name: value for name, value in read if value is not None}


def write_value(value: Value, path: str) -> pb.Value:
    """Return the message of a metadata value.

    Raises:
        InvalidArgument: it is of none of the types, or does not fit its type.
    """
    match value:
        case bool():
            return pb.Value(bool_value=value)
        case int() if -(2**63) <= value < 2**63:
            return pb.Value(int_value=value)
        case float() if math.isfinite(value):
            return pb.Value(double_value=value)
        case str():
            return build(pb.Value, {"string_value": value}, f"{path}.")
    description = f"must be a text, a 64-bit integer, a finite number or a bool, got {value!r}"
    raise InvalidArgument.of(path, description)


def read_value(raw: pb.Value, path: str, blame: Blame | None) -> Value | None:
    """Return a metadata value, or None for one whose kind only a newer version knows.

    With `blame`, a value that has no known kind, or is not finite, is blamed.
    """
    kind = raw.WhichOneof("kind")
    if kind is None:
        if blame is None:
            return None
        blame(path, "set one of its kinds")
        return ""
    found: Value = getattr(raw, kind)
    if blame and isinstance(found, float) and not math.isfinite(found):
        blame(path, f"must be finite, got {found}")
    return found


METADATA = MetadataMap()
