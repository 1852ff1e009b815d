"""What callers say to the values of requests."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from jarvis.client.errors import from_invalid, invalid
from jarvis.client.options import (
    EmbedOptions,
    GenerateOptions,
    IndexOptions,
    Prompt,
    PromptOptions,
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
    Role,
    SamplingParams,
    TextRole,
)

E = TypeVar("E", bound=OpenEnum)
M = TypeVar("M")
V = TypeVar("V")


def written(write: Callable[[V], M], value: V) -> M:
    """Return the message of a value.

    Raises:
        JarvisClientError: INVALID_ARGUMENT, it cannot be sent.
    """
    try:
        return write(value)
    except InvalidArgument as error:
        raise from_invalid(error) from None


def generate_call(prompt: Prompt, options: GenerateOptions) -> GenerateCall:
    """Return what is to be generated.

    Raises:
        TypeError: there is no option of that name.
        JarvisClientError: INVALID_ARGUMENT, a message is none.
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
    """Return what is to be explained; raises what `generate_call` does."""
    check_names(options, PromptOptions)
    params = said(options)
    model = params.pop("model", None)
    return ExplainPromptRequest(input_of(prompt), model, PromptParams(**params))


def input_of(prompt: Prompt) -> Input:
    """Return a prompt or a conversation.

    Raises:
        JarvisClientError: INVALID_ARGUMENT, a message is none.
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
    """Return what is to be embedded.

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


def index_changes(options: IndexOptions) -> IndexChanges:
    """Return index settings.

    Raises:
        TypeError: there is no option of that name.
    """
    check_names(options, IndexOptions)
    return IndexChanges(**options)


def choice(kind: type[E], value: str, path: str) -> E:
    """Return the value of an enum that is said by its name.

    Raises:
        JarvisClientError: INVALID_ARGUMENT, there is none of that name.
    """
    if value not in list(kind):
        raise invalid(path, f"{value!r} is not one of {', '.join(kind)}")
    return kind(value)
