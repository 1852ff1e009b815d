"""However many empty items fit into a request, they are counted before any is read."""

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message_factory import GetMessageClass

from jarvis.server.items import MOST_ITEMS, MOST_OF_ROWS, ROWS, check_items
from jarvis.v1 import generation_pb2 as pb
from jarvis.v1 import retrieval_pb2 as rpb
from jarvis_ports.errors import InvalidArgument, MessageTooLarge
from tests.fuzz.messages import methods
from tests.fuzz.mutations import tag, varint


def lists(kind, above=()):
    """Yield the way to each list of texts or messages: the fields, one in another."""
    for field in kind.fields:
        if field.is_repeated and (field.message_type or field.type == FieldDescriptor.TYPE_STRING):
            yield (field,)
        if field.message_type and kind not in above:
            yield from ((field, *rest) for rest in lists(field.message_type, (*above, kind)))


REQUESTS = {method.input_type.full_name: method.input_type for method in methods()}
LISTS = [
    (kind, way)
    for kind in REQUESTS.values()
    for way in lists(kind)
    if (kind.full_name, len(way)) != (ROWS, 1)
]


def item(field, number):
    """Return the bytes of an empty item of a list, or of a map with a number for its key."""
    if not field.message_type or not field.message_type.GetOptions().map_entry:
        return b""
    if field.message_type.fields_by_name["key"].type != FieldDescriptor.TYPE_STRING:
        return tag(1, 0) + varint(number)
    name = str(number).encode()
    return tag(1, 2) + varint(len(name)) + name


def made(kind, way, items):
    """Return a request in which a list has so many items."""
    last = way[-1]
    every = (item(last, number) for number in range(items))
    sent = b"".join(tag(last.number, 2) + varint(len(one)) + one for one in every)
    for field in reversed(way[:-1]):
        if field.message_type.GetOptions().map_entry:
            sent = tag(1, 2) + varint(1) + b"a" + sent
        sent = tag(field.number, 2) + varint(len(sent)) + sent
    return GetMessageClass(kind).FromString(sent)


@pytest.mark.parametrize(("kind", "way"), LISTS, ids=lambda one: getattr(one, "name", None))
def test_every_list_is_counted(kind, way):
    most = MOST_OF_ROWS if kind.full_name == ROWS else MOST_ITEMS
    nested = sum(field.is_repeated for field in way[:-1])
    check_items(made(kind, way, most - nested))
    with pytest.raises(MessageTooLarge, match=f"more than {most} items"):
        check_items(made(kind, way, most - nested + 1))


def test_items_of_many_lists_count_together():
    message = pb.Message(tool_calls=[pb.ToolCall()] * 99)
    check_items(pb.GenerateRequest(messages=[message] * 100))
    with pytest.raises(MessageTooLarge):
        check_items(pb.GenerateRequest(messages=[message] * 101))


def test_numbers_do_not_count():
    check_items(pb.GenerateRequest(prompt_token_ids=range(100_000)))


def test_rows_are_counted_first():
    check_items(rpb.UpsertRequest(rows=[rpb.Row()] * 2048))
    with pytest.raises(InvalidArgument, match="1 to 2048 rows, got 2049"):
        check_items(rpb.UpsertRequest(rows=[rpb.Row()] * 2049))


def test_rows_may_have_all_the_metadata_that_is_allowed():
    row = rpb.Row(metadata={str(n): rpb.Value(string_value="a") for n in range(64)})
    check_items(rpb.UpsertRequest(rows=[row] * 2048))
