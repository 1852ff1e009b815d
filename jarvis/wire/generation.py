"""generation.proto: requests."""

from typing import Any, TypeVar

from jarvis.v1 import generation_pb2 as pb
from jarvis.wire.codec import Codec
from jarvis.wire.convert import REFUSED, Blame, Enumeration, Many, build
from jarvis.wire.filters import FILTER
from jarvis.wire.search import MODE_OR_NONE
from jarvis_ports.values import (
    Constraint,
    CountTokensRequest,
    DetokenizeRequest,
    ExplainPromptRequest,
    GenerateCall,
    GenerateRequest,
    Image,
    Input,
    Message,
    PromptParams,
    ReasoningEffort,
    RenderParams,
    Retrieval,
    Role,
    SamplingParams,
    StructuredOutput,
    TextInput,
    TokenIds,
    TokenizeRequest,
    Tool,
    ToolCall,
    ToolChoice,
)

R = TypeVar("R", pb.GenerateRequest, pb.GenerateStreamRequest)
Asking = pb.CountTokensRequest | pb.ExplainPromptRequest | pb.TokenizeRequest
Requests = pb.GenerateRequest | pb.GenerateStreamRequest | Asking

ROLES = Enumeration(pb.Role, Role, unset=REFUSED, fallback=Role.USER)
TOOL_CALLS = Many(Codec(pb.ToolCall, ToolCall))
IMAGE = Codec(pb.Image, Image)
TOOL_CHOICES = Enumeration(pb.ToolChoice, ToolChoice, unset=REFUSED)
EFFORTS = Enumeration(pb.ReasoningEffort, ReasoningEffort, unset=REFUSED)


class _Part:
    """Converts a part of a message: a text, or an image; None is one that only a newer server knows."""

    def write(self, value: str | Image, path: str) -> pb.ContentPart:
        if isinstance(value, str):
            return build(pb.ContentPart, {"text": value}, f"{path}.")
        return pb.ContentPart(image=IMAGE.write(value, f"{path}.image"))

    def read(self, raw: pb.ContentPart, path: str, blame: Blame | None) -> str | Image | None:
        name = raw.WhichOneof("part")
        if name is None:
            if blame:
                blame(path, "set text or image")
            return "any" if blame else None
        return IMAGE.read(raw.image) if name == "image" else raw.text


MESSAGES = Many(Codec(pb.Message, Message, role=ROLES, tool_calls=TOOL_CALLS, parts=Many(_Part())))


class _StructuredOutput:
    optional = True

    def write(self, value: StructuredOutput, path: str) -> pb.StructuredOutput:
        text: Any = value.value
        if value.constraint is Constraint.JSON_OBJECT:
            text = True
        elif value.constraint is Constraint.CHOICE:
            text = build(pb.Choices, {"values": text}, f"{path}.choice.")
        return build(pb.StructuredOutput, {value.constraint.value: text}, f"{path}.")

    def read(self, raw: pb.StructuredOutput, path: str, blame: Blame | None) -> StructuredOutput | None:
        name = raw.WhichOneof("constraint")
        if name is None:
            if blame:
                blame(path, "set one of its constraints")
            return None
        if name == "choice":
            return StructuredOutput(Constraint.CHOICE, tuple(raw.choice.values))
        if name == "json_object":
            if blame and not raw.json_object:
                blame(f"{path}.json_object", "has to be true; leave it out for answers of any form")
            return StructuredOutput(Constraint.JSON_OBJECT)
        return StructuredOutput(Constraint(name), getattr(raw, name))


TOOLS = Many(Codec(pb.Tool, Tool))
REQUEST = Codec(
    pb.GenerateRequest,
    GenerateRequest,
    only=(
        "sampling",
        "structured_output",
        "priority",
        "return_token_ids",
        "tools",
        "tool_choice",
        "tool_name",
        "parallel_tool_calls",
        "reasoning_effort",
    ),
    tools=TOOLS,
    tool_choice=TOOL_CHOICES,
    reasoning_effort=EFFORTS,
    sampling=Codec(pb.SamplingParams, SamplingParams, unless=SamplingParams()),
    structured_output=_StructuredOutput(),
)
PROMPT = Codec(
    pb.ExplainPromptRequest, PromptParams, only=("template", "difficulty", "template_variables", "language")
)
TOOLS_TO_COUNT = Codec(pb.CountTokensRequest, CountTokensRequest, only=("tools",), tools=TOOLS)
RENDER = Codec(pb.GenerateRequest, RenderParams, only=tuple(RenderParams.__dataclass_fields__))
DETOKENIZE = Codec(pb.DetokenizeRequest, DetokenizeRequest)
CALL = Codec(
    pb.GenerateRequest,
    GenerateCall,
    only=("model", "retrieval"),
    retrieval=Codec(pb.Retrieval, Retrieval, optional=True, mode=MODE_OR_NONE, filter=FILTER),
)


def write_generate(kind: type[R], call: GenerateCall) -> R:
    """Return a request to generate.

    Raises:
        InvalidArgument: a value cannot be sent; the error names the field.
    """
    request = call.request
    fields = [
        _input(request.input),
        REQUEST.fields(request),
        RENDER.fields(request.render),
        PROMPT.fields(call.prompt),
        CALL.fields(call),
    ]
    if call.resumable:
        fields.append({"resumable": True})
    return build(kind, {name: value for part in fields for name, value in part.items()})


def generate_request(call: GenerateCall) -> pb.GenerateRequest:
    """Return a request for a whole answer; see `write_generate`."""
    return write_generate(pb.GenerateRequest, call)


def generate_stream_request(call: GenerateCall) -> pb.GenerateStreamRequest:
    """Return a request for a stream; see `write_generate`."""
    return write_generate(pb.GenerateStreamRequest, call)


def read_generate(message: pb.GenerateRequest | pb.GenerateStreamRequest, blame: Blame) -> GenerateCall:
    """Return what a caller wants generated; what no value can express is blamed."""
    request = GenerateRequest(
        request_id="",
        input=_read_any(message, blame),
        render=RenderParams(**RENDER.values(message)),
        streamed=isinstance(message, pb.GenerateStreamRequest),
        **REQUEST.values(message, blame=blame),
    )
    prompt = PromptParams(**PROMPT.values(message))
    resumable = isinstance(message, pb.GenerateStreamRequest) and message.resumable
    return GenerateCall(request, prompt=prompt, resumable=resumable, **CALL.values(message, blame=blame))


def count_tokens_request(request: CountTokensRequest) -> pb.CountTokensRequest:
    """Return a request to count tokens; raises what `write_generate` does."""
    fields = {"model": request.model, **_input(request.input), **TOOLS_TO_COUNT.fields(request)}
    return build(pb.CountTokensRequest, fields)


def read_count_tokens(message: pb.CountTokensRequest, blame: Blame) -> CountTokensRequest:
    """Return what a caller wants counted; what no value can express is blamed."""
    tools = TOOLS_TO_COUNT.values(message, blame=blame)
    return CountTokensRequest(read_input(message, blame), _model(message), **tools)


def tokenize_request(request: TokenizeRequest) -> pb.TokenizeRequest:
    """Return a request to tell tokens; raises what `write_generate` does."""
    fields = {"model": request.model, **_input(request.input), **RENDER.fields(request.render)}
    return build(pb.TokenizeRequest, fields)


def read_tokenize(message: pb.TokenizeRequest, blame: Blame) -> TokenizeRequest:
    """Return what a caller wants turned into tokens; what no value can express is blamed."""
    render = RenderParams(**RENDER.values(message))
    return TokenizeRequest(read_input(message, blame), _model(message), render)


def explain_prompt_request(request: ExplainPromptRequest) -> pb.ExplainPromptRequest:
    """Return a request to explain a prompt; raises what `write_generate` does."""
    fields = {"model": request.model, **_input(request.input), **PROMPT.fields(request.prompt)}
    return build(pb.ExplainPromptRequest, fields)


def read_explain_prompt(message: pb.ExplainPromptRequest, blame: Blame) -> ExplainPromptRequest:
    """Return what a caller wants explained; what no value can express is blamed."""
    prompt = PromptParams(**PROMPT.values(message))
    return ExplainPromptRequest(read_input(message, blame), _model(message), prompt)


def _model(message: Requests) -> str | None:
    return message.model if message.HasField("model") else None


def _input(value: Input) -> dict[str, Any]:
    if isinstance(value, str):
        return {"prompt": value}
    if isinstance(value, TokenIds):
        return {"prompt_token_ids": value.ids}
    return {"messages": MESSAGES.write(value, "messages")}


def _read_any(message: pb.GenerateRequest | pb.GenerateStreamRequest, blame: Blame) -> Input:
    """Return a prompt, its tokens, or a conversation; see `read_input`."""
    if not message.prompt_token_ids:
        return read_input(message, blame)
    if message.messages or message.HasField("prompt"):
        blame("prompt_token_ids", "set one of prompt, prompt_token_ids and messages")
        return read_input(message, blame)
    return TokenIds(tuple(message.prompt_token_ids))


def read_input(message: Requests, blame: Blame) -> TextInput:
    """Return a prompt or a conversation; both or neither are blamed, and so is an unknown role."""
    if not message.messages:
        if not message.HasField("prompt"):
            blame("prompt", "set prompt or messages")
            return (Message(Role.USER, "any"),)
        return message.prompt
    if message.HasField("prompt"):
        blame("prompt", "set either prompt or messages, not both")
    return MESSAGES.read(message.messages, "messages", blame)
