"""A message and the value that it carries, described once for both directions."""

from dataclasses import MISSING, Field, fields
from typing import Any, Generic, TypeVar

from google.protobuf.message import Message

from jarvis.wire.convert import Blame, Converter, Plain, build

M = TypeVar("M", bound=Message)
V = TypeVar("V")

_NONE = object()


class Codec(Generic[M, V]):
    """Converts between a message and a value whose fields have the same names.

    A scalar is the same in both. One that is left out is read as the value's default, or else as None; a flag
    that is false by default is left out if it is false. A value may have more fields than its message: they
    are not sent, and are read as their defaults.

    Args:
        kind: the message.
        value: the dataclass.
        unless: a value that is not sent, because a message that is left out is read as that value.
        optional: whether None stands for a message that is left out.
        only: the fields of the message to convert; all of them by default.
        special: the converters of the fields that are not plain scalars.
    """

    def __init__(
        self,
        kind: type[M],
        value: type[V],
        /,
        *,
        unless: V | None = None,
        optional: bool = False,
        only: tuple[str, ...] | None = None,
        **special: Converter,
    ) -> None:
        self._kind = kind
        self.value = value
        self._unless = unless
        self.optional = optional
        own = {field.name: field for field in fields(value)}  # type: ignore[arg-type] # it is a dataclass
        names = only or tuple(kind.DESCRIPTOR.fields_by_name)
        if lacking := [name for name in names if name not in own]:
            msg = f"{kind.DESCRIPTOR.full_name} has {', '.join(lacking)}, and {value.__name__} does not"
            raise TypeError(msg)
        self._plan = []
        for name in names:
            field, converter = kind.DESCRIPTOR.fields_by_name[name], special.get(name)
            presence = _presence(field, converter)
            flag = presence and own[name].default is False
            plain = converter or _plain(field)
            self._plan.append((name, plain, presence, _unset(own[name]), False if flag else None))

    def fields(self, value: V, path: str = "") -> dict[str, Any]:
        """Return what the message has for a value, by the names of its fields."""
        found: dict[str, Any] = {}
        for name, converter, _, _, left_out in self._plan:
            one = getattr(value, name)
            if one is not None and one is not left_out:
                found[name] = converter.write(one, path + name) if converter else one
        return found

    def write(self, value: V, path: str = "") -> M | None:
        """Return the message of a value; see `Converter`."""
        if self._unless is not None and value == self._unless:
            return None
        prefix = f"{path}." if path else ""
        return build(self._kind, self.fields(value, prefix), prefix)

    def message(self, value: V) -> M:
        """Return the message of a value that is not part of another.

        Raises:
            InvalidArgument: the value cannot be sent; the error names the field.
        """
        return build(self._kind, self.fields(value))

    def read(self, raw: M, path: str = "", blame: Blame | None = None) -> V:
        """Return the value of a message; see `Converter`."""
        return self.value(**self.values(raw, f"{path}." if path else "", blame))

    def values(self, raw: Message, path: str = "", blame: Blame | None = None) -> dict[str, Any]:
        """Return the fields of a message's value, by name."""
        found: dict[str, Any] = {}
        for name, converter, presence, unset, _ in self._plan:
            if presence and not raw.HasField(name):
                if unset is not _NONE:
                    found[name] = None
                continue
            one = getattr(raw, name)
            found[name] = converter.read(one, path + name, blame) if converter else one
        return found


def _plain(field: Any) -> Converter | None:  # noqa: ANN401 - protobuf has two classes of descriptors
    """Return the converter of a field that is not special, or None if it needs none.

    Raises:
        TypeError: the field has messages, or numbers of an enum.
    """
    message, enum = field.message_type, field.enum_type
    if message and message.GetOptions().map_entry and not message.fields_by_name["value"].message_type:
        return Plain(dict)
    if message or enum:
        msg = f"{field.full_name} needs a converter"
        raise TypeError(msg)
    return Plain(tuple) if field.default_value == [] else None


def _presence(field: Any, special: Converter | None) -> bool:  # noqa: ANN401
    """Return whether a field that is left out gets None or its value's default, instead of being read."""
    if field.message_type and special:
        return bool(getattr(special, "optional", False))
    return bool(field.has_presence)


def _unset(field: "Field[Any]") -> object:
    """Return None if a field that is left out must be set to None, for want of a default; else `_NONE`."""
    return None if field.default is field.default_factory is MISSING else _NONE
