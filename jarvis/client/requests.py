"""Turns the arguments of callers into the values of requests."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from jarvis.client.errors import from_invalid, invalid
from jarvis.client.functions import tool_of
from jarvis.client.images import image_of
from jarvis.client.options import (
    EmbedOptions,
    GenerateOptions,
    IndexOptions,
    Prompt,
    PromptOptions,
    RenderOptions,
    RerankOptions,
    Sampling,
    TextPrompt,
    check_names,
    said,
)
from jarvis_ports.errors import InvalidArgument
from jarvis_ports.values import (
    EmbedRequest,
    ExplainPromptRequest,
    GenerateCall,
    GenerateRequest,
    IndexChanges,
    Message,
    OpenEnum,
    PromptParams,
    ReasoningEffort,
    RenderParams,
    RerankRequest,
    Role,
    SamplingParams,
    TextInput,
    TextRole,
    TokenIds,
    TokenizeRequest,
    ToolChoice,
)

TOOL_OPTIONS = ("tools", "tool_choice", "tool_name", "parallel_tool_calls", "reasoning_effort")
CHOICES: dict[str, type[OpenEnum]] = {"tool_choice": ToolChoice, "reasoning_effort": ReasoningEffort}

E = TypeVar("E", bound=OpenEnum)
M = TypeVar("M")
V = TypeVar("V")


def written(write: Callable[[V], M], value: V) -> M:
    """Return what `write` makes of a value.

    Raises:
        JarvisClientError: INVALID_ARGUMENT, the value cannot be sent.
    """
    try:
        return write(value)
    except InvalidArgument as error:
        raise from_invalid(error) from None


def generate_call(prompt: Prompt, options: GenerateOptions) -> GenerateCall:
    """Return the call that generates an answer to a prompt.

    Raises:
        TypeError: an option does not exist.
        JarvisClientError: INVALID_ARGUMENT, a message of the prompt is not valid.
    """
    rest: dict[str, Any] = {**options}
    beside = ("structured_output", "priority", "return_token_ids", *TOOL_OPTIONS)
    request = said({name: rest.pop(name, None) for name in beside})
    if tools := request.pop("tools", None):
        request["tools"] = tuple(tool_of(one) for one in tools)
    for name, kind in CHOICES.items():
        if name in request:
            request[name] = choice(kind, request[name], name)
    params = said({name: rest.pop(name, None) for name in PromptOptions.__annotations__})
    render = said({name: rest.pop(name, None) for name in RenderOptions.__annotations__})
    model, retrieval = params.pop("model", None), rest.pop("retrieval", None)
    check_names(rest, Sampling)
    if isinstance(stop := rest.get("stop"), str):
        rest["stop"] = (stop,)
    sampling = SamplingParams(**said(rest))
    input_ = prompt if isinstance(prompt, TokenIds) else input_of(prompt)
    generate = GenerateRequest("", input_, sampling, render=RenderParams(**render), **request)
    return GenerateCall(generate, model, PromptParams(**params), retrieval)


def tokenize_request(prompt: TextPrompt, model: str | None, options: RenderOptions) -> TokenizeRequest:
    """Return the request that turns a prompt into tokens; raise what `generate_call` raises."""
    check_names(options, RenderOptions)
    return TokenizeRequest(input_of(prompt), model, RenderParams(**said(options)))


def explain_request(prompt: TextPrompt, options: PromptOptions) -> ExplainPromptRequest:
    """Return the request that explains a prompt; raise what `generate_call` raises."""
    check_names(options, PromptOptions)
    params = said(options)
    model = params.pop("model", None)
    return ExplainPromptRequest(input_of(prompt), model, PromptParams(**params))


def input_of(prompt: TextPrompt) -> TextInput:
    """Return a raw prompt as it is, or the messages of a conversation.

    Raises:
        JarvisClientError: INVALID_ARGUMENT, a message is not valid.
    """
    if isinstance(prompt, str):
        return prompt
    return tuple(_message(message, f"messages[{position}]") for position, message in enumerate(prompt))


def _message(message: Message | Mapping[str, Any], path: str) -> Message:
    if isinstance(message, Message):
        return message
    fields: dict[str, Any] = dict(message)
    unknown = fields.keys() - Message.__dataclass_fields__.keys()
    if unknown or "role" not in fields or fields.keys().isdisjoint({"content", "parts", "tool_calls"}):
        raise invalid(path, f"needs role and content, and has {', '.join(message) or 'nothing'}")
    role = choice(Role, fields.pop("role"), f"{path}.role")
    if isinstance(fields.get("parts"), str):
        raise invalid(f"{path}.parts", "is one text; give a list of texts and images")
    parts = tuple(
        part if isinstance(part, str) else image_of(part, f"{path}.parts[{position}]")
        for position, part in enumerate(fields.pop("parts", ()))
    )
    return Message(role, parts=parts, **fields)


def embed_request(texts: Sequence[str], options: EmbedOptions) -> EmbedRequest:
    """Return the request that embeds texts.

    Raises:
        JarvisClientError: INVALID_ARGUMENT, a value cannot be sent.
    """
    if isinstance(texts, str):
        raise invalid("texts", "is one text; give a list of texts")
    return EmbedRequest(
        tuple(texts),
        role=choice(TextRole, options.get("role", TextRole.DOCUMENT), "role"),
        dimension=options.get("dimension"),
        truncate=options.get("truncate"),
        model=options.get("model"),
    )


def rerank_request(query: str, documents: Sequence[str], options: RerankOptions) -> RerankRequest:
    """Return the request that scores documents.

    Raises:
        TypeError: an option does not exist.
        JarvisClientError: INVALID_ARGUMENT, a value cannot be sent.
    """
    check_names(options, RerankOptions)
    if isinstance(documents, str):
        raise invalid("documents", "is one text; give a list of texts")
    return RerankRequest(query, tuple(documents), **options)


def index_changes(options: IndexOptions) -> IndexChanges:
    """Return the index settings that the options change.

    Raises:
        TypeError: an option does not exist.
    """
    check_names(options, IndexOptions)
    return IndexChanges(**options)


def choice(kind: type[E], value: str, path: str) -> E:
    """Return the member of an enum with the given value.

    Raises:
        JarvisClientError: INVALID_ARGUMENT, no member has that value.
    """
    if value not in list(kind):
        raise invalid(path, f"{value!r} is not one of {', '.join(kind)}")
    return kind(value)
