"""Python values to requests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

from jarvis.client.errors import invalid
from jarvis.client.filters import filter_message
from jarvis.client.messages import M, build, check_names
from jarvis.client.retrieval_types import SearchMode
from jarvis.v1 import generation_pb2 as pb
from jarvis.v1 import retrieval_pb2
from jarvis_ports.filters import Filter
from jarvis_ports.llm import Constraint, Message, Role, StructuredOutput

Prompt = str | Sequence[Message | Mapping[str, str]]
"""A raw prompt, passed to the model as it is; or a conversation: `Message`s, or dicts of role and content."""


class Sampling(TypedDict, total=False):
    """How tokens are chosen; what is left out, or None, is the model's default. Ranges are the contract's."""

    temperature: float | None
    top_p: float | None
    top_k: int | None
    min_p: float | None
    presence_penalty: float | None
    frequency_penalty: float | None
    repetition_penalty: float | None
    max_tokens: int | None
    min_tokens: int | None
    stop: str | Sequence[str]
    seed: int | None
    n: int | None
    logprobs: int | None
    logit_bias: Mapping[int, float]
    ignore_eos: bool | None


@dataclass(frozen=True, slots=True)
class Retrieval:
    """What to search before answering, in messages that end with the user's.

    Attributes:
        collection: the collection's name.
        query: what to search with; the content of the last message where it is None.
        mode: how to search; hybrid where it is None.
        top_k: the most sources; the contract's default where it is None.
        filter: only rows that pass.
        min_similarity: the least similarity of a source; the server's default where it is None.
        max_tokens: the most tokens of all sources together; the server's default where it is None.
    """

    collection: str
    query: str | None = None
    mode: SearchMode | str | None = None
    top_k: int | None = None
    filter: Filter | None = None
    min_similarity: float | None = None
    max_tokens: int | None = None


class PromptOptions(TypedDict, total=False):
    """What the model is told before the prompt, and which model it is; the server decides what is left out.

    Attributes:
        model: the name of a model or of a route.
        template: the name of a prompt template, for messages without a system message; "" is none.
        difficulty: how difficult it is, in [0, 100].
        template_variables: the values of the template's variables; need `template`.
        language: that of the template, such as "es".
    """

    model: str | None
    template: str | None
    difficulty: int | None
    template_variables: Mapping[str, str] | None
    language: str | None


class GenerateOptions(Sampling, PromptOptions, total=False):
    """What may be said beside the prompt."""

    structured_output: StructuredOutput | None
    priority: int | None
    return_token_ids: bool | None
    retrieval: Retrieval | None


def generate_request(kind: type[M], prompt: Prompt, options: GenerateOptions) -> M:
    """Build a request to generate.

    Raises:
        TypeError: there is no option of that name.
        JarvisClientError: INVALID_ARGUMENT, a value cannot be sent.
    """
    rest: dict[str, Any] = {**options}
    output: StructuredOutput | None = rest.pop("structured_output", None)
    retrieval: Retrieval | None = rest.pop("retrieval", None)
    names = (*PromptOptions.__annotations__, "priority", "return_token_ids")
    fields = {name: rest.pop(name, None) for name in names} | _prompt(prompt)
    return build(
        kind,
        **fields,
        sampling=_sampling(rest),
        structured_output=output and _structured_output(output),
        retrieval=_retrieval(retrieval) if retrieval else None,
    )


def count_tokens_request(prompt: Prompt, model: str | None) -> pb.CountTokensRequest:
    """Build a request to count.

    Raises:
        JarvisClientError: INVALID_ARGUMENT, a value cannot be sent.
    """
    return build(pb.CountTokensRequest, model=model, **_prompt(prompt))


def explain_prompt_request(prompt: Prompt, options: PromptOptions) -> pb.ExplainPromptRequest:
    """Build a request to explain.

    Raises:
        TypeError: there is no option of that name.
        JarvisClientError: INVALID_ARGUMENT, a value cannot be sent.
    """
    check_names(options, PromptOptions)
    return build(pb.ExplainPromptRequest, **options, **_prompt(prompt))


def _prompt(prompt: Prompt) -> dict[str, Any]:
    if isinstance(prompt, str):
        return {"prompt": prompt}
    return {"messages": [_message(i, message) for i, message in enumerate(prompt)]}


def _message(index: int, message: Message | Mapping[str, str]) -> pb.Message:
    path = f"messages[{index}]"
    if not isinstance(message, Message):
        if set(message) != {"role", "content"}:
            raise invalid(path, f"needs role and content, and has {', '.join(message) or 'nothing'}")
        if message["role"] not in list(Role):
            field = f"{path}.role"
            raise invalid(field, f"{message['role']!r} is not one of {', '.join(Role)}")
        message = Message(Role(message["role"]), message["content"])
    role = pb.Role.Value(f"ROLE_{message.role.name}")
    return build(pb.Message, f"{path}.", role=role, content=message.content)


def _sampling(values: dict[str, Any]) -> pb.SamplingParams | None:
    check_names(values, Sampling)
    if isinstance(stop := values.get("stop"), str):
        values["stop"] = [stop]
    return build(pb.SamplingParams, "sampling.", **values) if values else None


def _structured_output(output: StructuredOutput) -> pb.StructuredOutput:
    value: Any = output.value
    if output.constraint is Constraint.CHOICE:
        value = build(pb.Choices, "structured_output.choice.", values=value)
    return build(pb.StructuredOutput, "structured_output.", **{output.constraint.value: value})


def _retrieval(retrieval: Retrieval) -> pb.Retrieval:
    mode = retrieval.mode
    if mode is not None and mode not in list(SearchMode):
        raise invalid("retrieval.mode", f"{mode!r} is not one of {', '.join(SearchMode)}")
    return build(
        pb.Retrieval,
        "retrieval.",
        collection=retrieval.collection,
        query=retrieval.query,
        mode=retrieval_pb2.SearchMode.Value(f"SEARCH_MODE_{mode.upper()}") if mode else None,
        top_k=retrieval.top_k,
        filter=filter_message(retrieval.filter, "retrieval.filter") if retrieval.filter else None,
        min_similarity=retrieval.min_similarity,
        max_tokens=retrieval.max_tokens,
    )
