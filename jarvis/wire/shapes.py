"""Messages that are little more than a frame around one field, or around one of several events."""

from typing import Any, Generic, TypeVar

from google.protobuf.message import Message

from jarvis.wire.codec import Codec
from jarvis.wire.convert import Converter, build

M = TypeVar("M", bound=Message)
V = TypeVar("V")


class Only(Generic[M, V]):
    """Converts a message of one field to the value of that field.

    Args:
        kind: the message.
        converter: converts the field; None for a scalar.
    """

    def __init__(self, kind: type[M], converter: Converter | None = None) -> None:
        (field,) = kind.DESCRIPTOR.fields
        self._kind = kind
        self._name = field.name
        self._converter = converter

    def message(self, value: V) -> M:
        """Return the message of a value; see `Codec.message`."""
        written = self._converter.write(value, self._name) if self._converter else value
        return build(self._kind, {self._name: written})

    def read(self, raw: M) -> V:
        """Return the value of a message."""
        found: Any = getattr(raw, self._name)
        read: V = self._converter.read(found, self._name, None) if self._converter else found
        return read


class Events(Generic[M, V]):
    """Converts a message that has one of several events, which the type of the value determines.

    Args:
        kind: the message.
        cases: the converter of each event, by its field.
    """

    def __init__(self, kind: type[M], **cases: Codec[Any, Any]) -> None:
        self._kind = kind
        self._cases = cases
        self._fields = {codec.value: (field, codec) for field, codec in cases.items()}

    def message(self, value: V) -> M:
        """Return the message of an event."""
        field, codec = self._fields[type(value)]
        return build(self._kind, {field: codec.message(value)})

    def read(self, raw: M) -> V | None:
        """Return an event, or None for one that only a newer version knows."""
        (oneof,) = self._kind.DESCRIPTOR.oneofs
        field = raw.WhichOneof(oneof.name)
        if field is None:
            return None
        event: V = self._cases[field].read(getattr(raw, field))
        return event
