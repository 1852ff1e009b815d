"""The protocol of converters, and the small ones."""

from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Any, Generic, Protocol, TypeVar

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from jarvis_ports.errors import InvalidArgument
from jarvis_ports.values.enums import OpenEnum

Blame = Callable[[str, str], None]
"""A callback that notes what is wrong with the field at a path. The reader continues with an arbitrary value.

Answers are read with None in its place: what a newer server sends and this version does not know is no fault.
"""

E = TypeVar("E", bound=OpenEnum)
M = TypeVar("M", bound=Message)

_RANGES = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
}
"""The integers that a field takes, by its type in Python."""


class Converter(Protocol):
    """Converts the value of a field, given the field's path in its message, both ways."""

    def write(self, value: Any, path: str) -> Any:  # noqa: ANN401 - of each field another type
        """Return what the message has for a value.

        Raises:
            InvalidArgument: the value cannot be sent; the error names the field.
        """
        ...

    def read(self, raw: Any, path: str, blame: Blame | None) -> Any:  # noqa: ANN401
        """Return the value of what the message has for it."""
        ...


class Numbers(Protocol):
    """An enum as protobuf generates it."""

    DESCRIPTOR: Any

    def Name(self, number: Any) -> str:  # noqa: ANN401, N802 - as generated
        """Return the name of a number."""
        ...

    def Value(self, name: str) -> Any:  # noqa: ANN401, N802
        """Return the number of a name."""
        ...


class Enumeration(Generic[E]):
    """Converts the values of an enum by their names.

    Args:
        numbers: the enum of the contract.
        values: the enum of Python, with the same names.
        unset: what the number 0 is read as; REFUSED if 0 is never sent.
        fallback: the value that takes the place of a number that is blamed.
    """

    def __init__(
        self,
        numbers: Numbers,
        values: type[E],
        *,
        unset: "E | _Refused | None" = None,
        fallback: E | None = None,
    ) -> None:
        prefix = "".join(f"_{c}" if c.isupper() else c.upper() for c in numbers.DESCRIPTOR.name)[1:]
        self.numbers = numbers
        self._values = values
        self._numbers = {one.value: numbers.Value(f"{prefix}_{one.name}") for one in values}
        self._known: dict[int, E | None] = {number: values(name) for name, number in self._numbers.items()}
        self._names = ", ".join(numbers.Name(number) for number in self._known)
        if unset is not REFUSED:
            self._known[0] = unset
        self._fallback = fallback

    def write(self, value: E | str, path: str) -> int:
        """Return the number of a value, or of its name; see `Converter`."""
        number = self._numbers.get(str(value))
        if number is None:
            description = f"{str(value)!r} is not one of {', '.join(self._numbers)}"
            raise InvalidArgument.of(path, description)
        return int(number)

    def read(self, raw: int, path: str, blame: Blame | None) -> E | None:
        """Return the value of a number; see `Converter`."""
        if raw in self._known:
            return self._known[raw]
        if blame is None:
            return self._values.unknown()
        blame(path, f"must be one of {self._names}, got {raw}")
        return self._fallback


class _Refused(Enum):
    REFUSED = 0


REFUSED = _Refused.REFUSED
"""The value of `unset` that says that 0 is refused, because it is never sent."""


class Many:
    """Converts each item of a repeated field."""

    def __init__(self, one: Converter) -> None:
        self._one = one

    def write(self, value: Iterable[Any], path: str) -> list[Any]:
        """Return what the message has for a value; see `Converter`."""
        return [self._one.write(item, f"{path}[{position}]") for position, item in enumerate(value)]

    def read(self, raw: Iterable[Any], path: str, blame: Blame | None) -> tuple[Any, ...]:
        """Return the value of what the message has for it; see `Converter`."""
        return tuple(self._one.read(item, f"{path}[{position}]", blame) for position, item in enumerate(raw))


class Plain:
    """Converts a repeated field or a map whose items need no conversion."""

    def __init__(self, kind: type[tuple[Any, ...]] | type[dict[Any, Any]]) -> None:
        self._kind = kind

    def write(self, value: Any, path: str) -> Any:  # noqa: ANN401, ARG002
        """Return what the message has for a value; see `Converter`."""
        return value

    def read(self, raw: Any, path: str, blame: Blame | None) -> Any:  # noqa: ANN401, ARG002
        """Return the value of what the message has for it; see `Converter`."""
        return self._kind(raw)


def build(kind: type[M], fields: Mapping[str, object], path: str = "") -> M:
    """Return a message with the given fields.

    Args:
        kind: the message.
        fields: the values by the names of their fields; a field that is None is left out.
        path: the path of the message in its request; it ends with a dot unless it is empty.

    Raises:
        InvalidArgument: a value does not fit its field; the error names the field.
    """
    try:
        return kind(**fields)
    except (TypeError, ValueError):
        for name, value in fields.items():
            _check(kind, name, value, f"{path}{name}")
        raise


def _check(kind: type[Message], name: str, value: object, path: str) -> None:
    try:
        kind(**{name: value})
    except UnicodeEncodeError:
        raise InvalidArgument.of(path, "is not valid Unicode") from None
    except (TypeError, ValueError) as error:
        wrong = str(error)
        if isinstance(value, int) and (range_ := _RANGES.get(kind.DESCRIPTOR.fields_by_name[name].cpp_type)):
            low, high = range_
            wrong = f"must be in [{low}, {high}], got {value}"
        raise InvalidArgument.of(path, wrong) from None
