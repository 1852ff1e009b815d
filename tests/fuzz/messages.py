"""Makes messages from their descriptors alone."""

import importlib
import pkgutil
from collections.abc import Collection, Iterator
from random import Random
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

import jarvis.v1
from tests.fuzz import values

SELDOM, MOSTLY = (0, 0.02, 0.2), 0.75
ASKING = {"prompt_token_ids", "tool_calls", "tools"}
"""Lists of what not every model can do, which are set as seldom as a field that may be left out."""
EITHER = {
    "prompt": {"messages"},
    "messages": {"prompt"},
    "prompt_token_ids": {"prompt", "messages"},
}
"""Fields of which a request has one, though their descriptor does not say so."""
INSTEAD = {"parts": "content"}
"""Lists that seldom stand in place of a field that is always set."""
MAX_DEPTH = 6
DEEP = 95
"""How deep a message may be nested; protobuf reads 100 levels."""
MANY, LARGEST = 3000, 6_000_000
"""The most times that entries are repeated, and the most bytes that this makes."""


def methods() -> list[MethodDescriptor]:
    """Return every method that the server has: those of the contract, of health and of reflection."""
    contract = [
        importlib.import_module(f"jarvis.v1.{module.name}")
        for module in pkgutil.iter_modules(jarvis.v1.__path__)
        if module.name.endswith("_pb2")
    ]
    return [
        method
        for module in [*contract, health_pb2, reflection_pb2]
        for service in module.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    ]


def aim(kind: Descriptor, random: Random) -> set[str]:
    """Return the full names of a field that has a value, and of those that it is in."""
    found: set[str] = set()
    while kind and kind.fields:
        field = random.choice(kind.fields)
        found.add(field.full_name)
        kind = field.message_type
    return found


class Maker:
    """Makes messages.

    Args:
        random: what is drawn from.
        hostility: the share of values that are hostile; with none, a message is as plausible as can be.
        aim: the fields, one in another, of which the last is always set and hostile.
    """

    def __init__(self, random: Random, hostility: float = 0, aim: Collection[str] = ()) -> None:
        self._random = random
        self._aim = aim
        self._hostility = hostility
        self._seldom = random.choice(SELDOM)

    def stream(self, kind: Descriptor) -> list[Any]:
        """Make the messages of a stream: where they are events, of the kinds in the order of the contract."""
        return [self.message(kind, position) for position in range(self._random.randint(1, 5))]

    def message(self, kind: Descriptor, position: int | None = None, depth: int = 0) -> Any:
        """Make a message, the one at a position of a stream."""
        made = GetMessageClass(kind)()
        left_out = {field.name for oneof in kind.oneofs for field in self._others(oneof, position, depth)}
        left_out |= self._out_of_place(kind)
        for field in kind.fields:
            if field.name in left_out or not self._is_set(field, depth):
                continue
            others = EITHER.get(field.name, set())
            if not self._hostility and others & {one.name for one, _ in made.ListFields()}:
                continue
            if field.message_type and field.message_type.GetOptions().map_entry:
                self._fill_map(made, field, depth)
            elif field.is_repeated:
                repeated = getattr(made, field.name)
                repeated.extend([self._value(field, depth) for _ in range(self._random.randint(1, 3))])
                repeated.extend([*repeated] * min(self._times(0.02) - 1, LARGEST // (made.ByteSize() + 1)))
            elif field.message_type:
                getattr(made, field.name).CopyFrom(self._value(field, depth))
            else:
                setattr(made, field.name, self._value(field, depth))
        return made

    def _out_of_place(self, kind: Descriptor) -> set[str]:
        """Return which one is left out of each two that do not stand beside one another."""
        if self._hostility:
            return set()
        return {
            name if self._random.random() < self._seldom else instead
            for instead, name in INSTEAD.items()
            if instead in kind.fields_by_name
        }

    def _times(self, chance: float) -> int:
        return MANY if self._hostility and self._random.random() < chance else 1

    def _others(self, oneof: Any, position: int | None, depth: int) -> Iterator[FieldDescriptor]:
        """Yield the fields of a choice that are not chosen."""
        if len(oneof.fields) == 1:  # an optional field
            return
        chosen = self._random.choice(oneof.fields)
        if position is not None and self._random.random() >= self._hostility / 3:
            chosen = oneof.fields[min(position, len(oneof.fields) - 1)]
        elif aimed := [field for field in oneof.fields if field.full_name in self._aim]:
            chosen = aimed[0]
        flat = [field for field in oneof.fields if not field.message_type]
        if depth >= MAX_DEPTH and flat and not (self._hostility and depth < DEEP):
            chosen = self._random.choice(flat)
        yield from (field for field in oneof.fields if field is not chosen)

    def _is_set(self, field: FieldDescriptor, depth: int) -> bool:
        if field.message_type and depth >= (DEEP if self._hostility else MAX_DEPTH):
            return False
        if field.full_name in self._aim:
            return True
        oneof = field.containing_oneof
        if oneof and len(oneof.fields) > 1:
            return True
        if (
            field.name in ASKING
            or field.has_presence
            or (field.message_type and field.message_type.GetOptions().map_entry)
        ):
            return self._random.random() < self._seldom
        return not field.is_repeated or self._random.random() < MOSTLY

    def _value(self, field: FieldDescriptor, depth: int) -> Any:
        if field.message_type:
            return self.message(field.message_type, depth=depth + 1)
        if self._random.random() < self._hostility or field.full_name in self._aim:
            return values.hostile(field, self._random)
        return values.plausible(field, self._random)

    def _fill_map(self, made: Any, field: FieldDescriptor, depth: int) -> None:
        key, value = (field.message_type.fields_by_name[name] for name in ("key", "value"))
        filled = getattr(made, field.name)
        for number in range(self._times(0.02)):
            if not number % 50 and made.ByteSize() > LARGEST:
                return
            name = self._value(key, depth)
            name = f"{name}{number}" if number and isinstance(name, str) else name
            if value.message_type:
                filled[name].CopyFrom(self._value(value, depth))
            else:
                filled[name] = self._value(value, depth)
