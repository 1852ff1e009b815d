"""Turns the arguments of callers into the values of requests."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from jarvis.client.errors import from_invalid, invalid
from jarvis.client.options import (
    EmbedOptions,
    GenerateOptions,
    IndexOptions,
    Prompt,
    PromptOptions,
    RerankOptions,
    Sampling,
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
    Input,
    Message,
    OpenEnum,
    PromptParams,
    RerankRequest,
    Role,
    SamplingParams,
    TextRole,
)

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
    beside = ("structured_output", "priority", "return_token_ids")
    request = said({name: rest.pop(name, None) for name in beside})
    params = said({name: rest.pop(name, None) for name in PromptOptions.__annotations__})
    model, retrieval = params.pop("model", None), rest.pop("retrieval", None)
    check_names(rest, Sampling)
    if isinstance(stop := rest.get("stop"), str):
        rest["stop"] = (stop,)
    sampling = SamplingParams(**said(rest))
    generate = GenerateRequest("", input_of(prompt), sampling, **request)
    return GenerateCall(generate, model, PromptParams(**params), retrieval)


def explain_request(prompt: Prompt, options: PromptOptions) -> ExplainPromptRequest:
    """Return the request that explains a prompt; raise what `generate_call` raises."""
    check_names(options, PromptOptions)
    params = said(options)
    model = params.pop("model", None)
    return ExplainPromptRequest(input_of(prompt), model, PromptParams(**params))


def input_of(prompt: Prompt) -> Input:
    """Return a raw prompt as it is, or the messages of a conversation.

    Raises:
        JarvisClientError: INVALID_ARGUMENT, a message is not valid.
    """
    if isinstance(prompt, str):
        return prompt
    return tuple(_message(message, f"messages[{position}]") for position, message in enumerate(prompt))


def _message(message: Message | Mapping[str, str], path: str) -> Message:
    if isinstance(message, Message):
        return message
    if set(message) != {"role", "content"}:
        raise invalid(path, f"needs role and content, and has {', '.join(message) or 'nothing'}")
    return Message(choice(Role, message["role"], f"{path}.role"), message["content"])


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
