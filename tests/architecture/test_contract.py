from dataclasses import fields
from enum import StrEnum

import pytest
from google.protobuf.descriptor import Descriptor
from google.protobuf.descriptor_pb2 import DescriptorProto
from google.protobuf.message import Message

from jarvis import client
from jarvis.core import status
from jarvis.core.lifecycle import component
from jarvis.v1 import embedding_pb2, generation_pb2, retrieval_pb2, server_pb2
from jarvis_ports import llm

FILES = [module.DESCRIPTOR for module in (embedding_pb2, generation_pb2, retrieval_pb2, server_pb2)]
REQUIRED = {
    "AbortRequest.request_id",
    "CheckCollectionRequest.name",
    "CreateCollectionRequest.name",
    "DeleteCollectionRequest.name",
    "DeleteDocumentsRequest.collection",
    "DeleteRequest.collection",
    "EqualsFilter.field",
    "GetCollectionRequest.name",
    "ResumeStreamRequest.request_id",
    "Image.data",
    "IngestDocument.source",
    "IngestStart.collection",
    "ListDocumentsRequest.collection",
    "LoadAdapterWeightsRequest.base",
    "LoadAdapterWeightsRequest.name",
    "LoadAdapterWeightsRequest.path",
    "Message.content",
    "Message.role",
    "OneOfFilter.field",
    "RangeFilter.field",
    "RebuildCollectionRequest.name",
    "RerankRequest.query",
    "ReloadAdapterRequest.name",
    "ReloadAdapterRequest.port",
    "Retrieval.collection",
    "Row.id",
    "Row.text",
    "SearchRequest.collection",
    "SleepModelRequest.name",
    "Tool.name",
    "ToolCall.arguments",
    "ToolCall.id",
    "ToolCall.name",
    "UnloadAdapterWeightsRequest.name",
    "UpsertRequest.collection",
    "WakeModelRequest.name",
}
OURS = {
    "difficulty",
    "language",
    "model",
    "retrieval",
    "template",
    "template_variables",
    "tool_choice",
    "tool_name",
}
"""What no engine sees, or every engine takes, or every one that takes tools."""


@pytest.mark.parametrize(
    ("whole", "stream"),
    [
        (generation_pb2.GenerateRequest, generation_pb2.GenerateStreamRequest),
        (embedding_pb2.EmbedRequest, embedding_pb2.EmbedStreamRequest),
        (embedding_pb2.EmbedResponse, embedding_pb2.EmbedStreamResponse),
    ],
)
def test_a_stream_has_the_fields_of_a_single_call(whole: type[Message], stream: type[Message]) -> None:
    one, other = DescriptorProto(), DescriptorProto()
    whole.DESCRIPTOR.CopyToProto(one)
    stream.DESCRIPTOR.CopyToProto(other)
    own = next((field for field in other.field if field.name == "resumable"), None)
    if own:  # a single answer has an idempotency key for that
        other.field.remove(own)
        del other.oneof_decl[own.oneof_index]
    assert str(one) == str(other).replace(other.name, one.name)


@pytest.mark.parametrize(
    ("message", "value_type"),
    [
        (generation_pb2.SamplingParams, llm.SamplingParams),
        (generation_pb2.TopLogprob, llm.TopLogprob),
        (generation_pb2.TokenLogprob, llm.TokenLogprob),
        (generation_pb2.Usage, llm.Usage),
        (generation_pb2.Message, llm.Message),
        (generation_pb2.Image, llm.Image),
        (generation_pb2.Delta, llm.Delta),
        (generation_pb2.Tool, llm.Tool),
        (generation_pb2.ToolCall, llm.ToolCall),
        (generation_pb2.ToolCallDelta, llm.ToolCallDelta),
    ],
)
def test_the_port_says_what_the_contract_says(message: type, value_type: type) -> None:
    assert {field.name for field in message.DESCRIPTOR.fields} == {field.name for field in fields(value_type)}


@pytest.mark.parametrize(
    ("enum", "ours"),
    [
        (generation_pb2.Role, llm.Role),
        (generation_pb2.FinishReason, llm.FinishReason),
        (generation_pb2.ToolChoice, llm.ToolChoice),
        (generation_pb2.ReasoningEffort, llm.ReasoningEffort),
        (server_pb2.Health, status.HealthLevel),
        (server_pb2.Health, client.HealthLevel),
        (server_pb2.State, component.State),
        (server_pb2.State, client.State),
    ],
)
def test_enums_have_the_same_values(enum: type, ours: type[StrEnum]) -> None:
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
    paths |= {"messages.parts.image", "messages.role.system"}
    assert paths - OURS == llm.ALL_FIELDS


def test_in_a_request_unset_and_zero_are_two_things() -> None:
    requests = [
        m for file in FILES for name, m in file.message_types_by_name.items() if name.endswith("Request")
    ]
    without = {
        field.full_name.removeprefix("jarvis.v1.")
        for message in reachable(requests)
        for field in message.fields
        if not field.is_repeated and not field.has_presence
    }
    assert without == REQUIRED


def reachable(messages: list[Descriptor]) -> list[Descriptor]:
    """List the messages, and those that they have as fields, at any depth, but for the entries of maps."""
    found = {message.full_name: message for message in messages}
    left = list(messages)
    while left:
        for field in left.pop().fields:
            below = field.message_type
            if below and not below.GetOptions().map_entry and below.full_name not in found:
                found[below.full_name] = below
                left.append(below)
    return list(found.values())
