"""What a converter is, and the small ones."""

from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Any, Generic, Protocol, TypeVar

from google.protobuf.message import Message

from jarvis_ports.errors import InvalidArgument
from jarvis_ports.values.enums import OpenEnum

Blame = Callable[[str, str], None]
"""Notes what is wrong with the field at a path. Who reads goes on with a value that is as good as any.

None in its place is for answers: what a newer server sends and this version does not know is no fault.
"""

E = TypeVar("E", bound=OpenEnum)
M = TypeVar("M", bound=Message)


class Converter(Protocol):
    """Converts the value of a field, which is at a path of its message, both ways."""

    def write(self, value: Any, path: str) -> Any:  # noqa: ANN401 - of each field another type
        """Return what the message has for a value.

        Raises:
            InvalidArgument: it cannot be sent; naming the field.
        """
        ...

    def read(self, raw: Any, path: str, blame: Blame | None) -> Any:  # noqa: ANN401
        """Return the value of what the message has."""
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
        values: that of Python, of the same names.
        unset: what the number 0 is read as; left out where it is never sent.
        fallback: what goes on in place of a number that is blamed.
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
"""Says that 0 is refused, because it is never sent."""


class Many:
    """Converts each item of a repeated field."""

    def __init__(self, one: Converter) -> None:
        self._one = one

    def write(self, value: Iterable[Any], path: str) -> list[Any]:
        """Return what the message has for a value, as `Converter` says."""
        return [self._one.write(item, f"{path}[{position}]") for position, item in enumerate(value)]

    def read(self, raw: Iterable[Any], path: str, blame: Blame | None) -> tuple[Any, ...]:
        """Return the value of what the message has, as `Converter` says."""
        return tuple(self._one.read(item, f"{path}[{position}]", blame) for position, item in enumerate(raw))


class Plain:
    """Converts a repeated field or a map of what needs no conversion."""

    def __init__(self, kind: type[tuple[Any, ...]] | type[dict[Any, Any]]) -> None:
        self._kind = kind

    def write(self, value: Any, path: str) -> Any:  # noqa: ANN401, ARG002
        """Return what the message has for a value, as `Converter` says."""
        return value

    def read(self, raw: Any, path: str, blame: Blame | None) -> Any:  # noqa: ANN401, ARG002
        """Return the value of what the message has, as `Converter` says."""
        return self._kind(raw)


def build(kind: type[M], fields: Mapping[str, object], path: str = "") -> M:
    """Fill a message.

    Args:
        kind: the message.
        fields: what is in it; what is None is left out.
        path: of the message in its request; it ends with a dot, where it is not empty.

    Raises:
        InvalidArgument: a value does not fit its field; naming the field.
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
        raise InvalidArgument.of(path, str(error)) from None
