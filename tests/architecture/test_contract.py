from dataclasses import fields

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto

from jarvis.v1 import generation_pb2, server_pb2
from jarvis_ports import llm

FILES = [generation_pb2.DESCRIPTOR, server_pb2.DESCRIPTOR]
REQUIRED = {"jarvis.v1.Message.role", "jarvis.v1.Message.content", "jarvis.v1.AbortRequest.request_id"}


def test_a_stream_is_asked_for_as_a_whole_answer_is() -> None:
    whole, stream = DescriptorProto(), DescriptorProto()
    generation_pb2.GenerateRequest.DESCRIPTOR.CopyToProto(whole)
    generation_pb2.GenerateStreamRequest.DESCRIPTOR.CopyToProto(stream)
    stream.name = whole.name
    assert whole == stream


@pytest.mark.parametrize(
    ("message", "value_type"),
    [
        (generation_pb2.SamplingParams, llm.SamplingParams),
        (generation_pb2.TopLogprob, llm.TopLogprob),
        (generation_pb2.TokenLogprob, llm.TokenLogprob),
        (generation_pb2.Usage, llm.Usage),
        (generation_pb2.Message, llm.Message),
        (generation_pb2.Delta, llm.Delta),
    ],
)
def test_the_port_says_what_the_contract_says(message: type, value_type: type) -> None:
    assert {field.name for field in message.DESCRIPTOR.fields} == {field.name for field in fields(value_type)}


@pytest.mark.parametrize(
    ("enum", "ours"),
    [(generation_pb2.Role, llm.Role), (generation_pb2.FinishReason, llm.FinishReason)],
)
def test_enums_have_the_same_values(enum: type, ours: type[llm.Role | llm.FinishReason]) -> None:
    prefix, unspecified = enum.DESCRIPTOR.values[0].name.split("UNSPECIFIED")
    assert unspecified == ""
    names = [value.name.removeprefix(prefix).lower() for value in enum.DESCRIPTOR.values[1:]]
    assert names == list(ours)


def test_every_optional_field_of_a_request_has_a_name_that_an_engine_can_declare() -> None:
    request = generation_pb2.GenerateRequest.DESCRIPTOR
    nested = {"sampling", "structured_output"}
    paths = {field.name for field in request.fields} - nested
    paths |= {
        f"{name}.{field.name}"
        for name in nested
        for field in request.fields_by_name[name].message_type.fields
    }
    assert paths - {"model", "prompt"} == llm.ALL_FIELDS


def test_in_a_request_unset_and_zero_are_two_things() -> None:
    requests = [
        m for file in FILES for name, m in file.message_types_by_name.items() if name.endswith("Request")
    ]
    without = {
        field.full_name
        for message in [*requests, *reachable(requests)]
        for field in message.fields
        if not field.is_repeated and not field.has_presence
    }
    assert without == REQUIRED


def reachable(messages: list[Descriptor]) -> list[Descriptor]:
    """List the messages that these have as fields, at any depth, but for the entries of maps."""
    below = [
        field.message_type
        for message in messages
        for field in message.fields
        if field.type == FieldDescriptor.TYPE_MESSAGE and not field.message_type.GetOptions().map_entry
    ]
    return below + (reachable(below) if below else [])
