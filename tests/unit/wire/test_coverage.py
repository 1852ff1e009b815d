"""No field of the contract is forgotten on its way into a value."""

import pytest
from google.protobuf.descriptor import FieldDescriptor as Field

from jarvis.wire.convert import Enumeration
from jarvis_ports.errors import InvalidArgument
from jarvis_ports.values import State
from tests.unit.wire.codecs import BLAMED, EMPTY, FILES, PAIRS

SAME_AS_LEFT_OUT = {
    "jarvis.v1.GenerateRequest.return_token_ids": "false is what is meant when it is left out",
    "jarvis.v1.GenerateStreamRequest.return_token_ids": "as above",
    "jarvis.v1.GenerateStreamRequest.resumable": "as above",
    "jarvis.v1.ResumeStreamRequest.after": "0 is before the first event, which is what is meant",
    "jarvis.v1.UpsertRequest.truncate": "false is what is meant when it is left out",
    "jarvis.v1.DeleteRequest.dry_run": "as above",
    "jarvis.v1.SearchRequest.truncate": "as above",
    "jarvis.v1.IngestStart.dry_run": "as above",
}
"""Optional fields whose zero is read as if they were left out, and why."""
TOGETHER = {
    "jarvis.v1.Recent": [
        {f"{name}_{one}_seconds" for one in ("p50", "p95", "p99")}
        for name in ("latency", "time_to_first_token")
    ]
}
"""Fields that are read together or not at all."""
WHOLE_BY_ITSELF = {
    "jarvis.v1.EmbedResponse": "its fields have to agree: see the round trip",
    "jarvis.v1.EmbedStreamResponse": "as above",
    "jarvis.v1.Embedding": "as above",
}
NOT_THE_DEFAULT = {"Space": 2}
SCALARS = {Field.TYPE_STRING: "x", Field.TYPE_BYTES: b"\0\0\0\0", Field.TYPE_BOOL: True}


def is_repeated(field):
    return field.default_value == [] or bool(field.message_type and field.message_type.GetOptions().map_entry)


def paths():
    """Every field of every message, by the way from a message that is sent on its own."""
    for pair in PAIRS:
        yield from walk(pair, pair.message.DESCRIPTOR, (), ())


def walk(pair, descriptor, way, seen):
    if descriptor.full_name in WHOLE_BY_ITSELF:
        return
    for field in descriptor.fields:
        name = ".".join([pair.message.DESCRIPTOR.name, *names(way), field.name])
        yield pytest.param(pair, (*way, field), id=name)
        inner = field.message_type
        if inner and inner.full_name not in seen and not inner.GetOptions().map_entry:
            yield from walk(pair, inner, (*way, field), (*seen, inner.full_name))


def names(way):
    return [field.name for field in way]


def fill(message, way, *, zero=False):
    """Set the field at the end of a way, and nothing that is not on it."""
    field, *rest = way
    repeated = is_repeated(field)
    if field.message_type and field.message_type.GetOptions().map_entry:
        entry = field.message_type.fields_by_name
        key = 7 if entry["key"].type != Field.TYPE_STRING else "k"
        if entry["value"].message_type:
            getattr(message, field.name)[key].string_value = "x"
        else:
            getattr(message, field.name)[key] = SCALARS.get(entry["value"].type, 3)
        return
    if field.message_type:
        inner = getattr(message, field.name).add() if repeated else getattr(message, field.name)
        inner.SetInParent()
        if rest:
            fill(inner, rest, zero=zero)
        return
    value = NOT_THE_DEFAULT.get(field.enum_type.name, 1) if field.enum_type else SCALARS.get(field.type, 3)
    if repeated:
        getattr(message, field.name).append(value)
        return
    for name in together(field):
        setattr(message, name, type(value)() if zero else value)


def together(field):
    groups = TOGETHER.get(field.containing_type.full_name, [])
    return next((group for group in groups if field.name in group), {field.name})


def read(pair, way, **how):
    message = pair.message()
    if way:
        fill(message, way, **how)
    BLAMED.clear()
    try:
        return repr((pair.read(message), BLAMED))
    except InvalidArgument as error:  # an ingestion has no event
        return str(error)


def is_frame(field):
    """Whether it is a message whose own fields tell whether it is set."""
    return field.message_type and not is_repeated(field)


@pytest.mark.parametrize(("pair", "way"), [one for one in paths() if not is_frame(one.values[1][-1])])
def test_a_field_that_is_set_changes_the_value(pair, way):
    assert read(pair, way) != read(pair, way[:-1])


@pytest.mark.parametrize(
    ("pair", "way"),
    [param for param in paths() if param.values[1][-1].has_presence and not param.values[1][-1].message_type],
)
def test_unset_and_zero_are_two_things(pair, way):
    field = way[-1]
    if field.enum_type:
        return  # its zero says that it is unset
    same = read(pair, way, zero=True) == read(pair, way[:-1])
    assert same == (field.full_name in SAME_AS_LEFT_OUT)


def test_every_message_of_the_contract_is_reached():
    reached = {field.containing_type.full_name for param in paths() for field in param.values[1]}
    reached |= {kind.DESCRIPTOR.full_name for kind in EMPTY} | WHOLE_BY_ITSELF.keys()
    there = {
        message.full_name for file in FILES for message in file.DESCRIPTOR.message_types_by_name.values()
    }
    assert there == reached


def test_every_value_of_every_enum_has_a_name():
    converters = _enumerations()
    there = {enum.full_name for file in FILES for enum in file.DESCRIPTOR.enum_types_by_name.values()}
    assert {one.numbers.DESCRIPTOR.full_name for one in converters} | {"jarvis.v1.DataType"} == there
    for one in converters:
        for number in one.numbers.values():
            if number:
                name = one.read(number, "x", None).name
                assert one.numbers.Name(number).endswith(f"_{name}")


def _enumerations():
    from jarvis.wire import answers, collections, documents, embedding, generation, search, server  # noqa: PLC0415

    modules = (answers, collections, documents, embedding, generation, search, server)
    return [one for module in modules for one in vars(module).values() if isinstance(one, Enumeration)]


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.message.DESCRIPTOR.name)
def test_values_of_enums_that_only_a_newer_server_knows_are_read(pair):
    if pair.message.DESCRIPTOR.name.endswith("Request"):
        return
    for param in paths():
        if param.values[0] is pair and param.values[1][-1].enum_type:
            *before, field = param.values[1]
            message = pair.message()
            inner = message
            for step in before:
                inner = getattr(inner, step.name)
                inner = inner.add() if step.default_value == [] else inner
            setattr(inner, field.name, 99)
            assert "UNKNOWN" in repr(pair.read(message))


def test_the_unknown_value_is_one_of_its_own():
    assert State.unknown() is State("unknown")
    assert State.unknown() not in list(State)
    assert State.unknown() != State.READY
