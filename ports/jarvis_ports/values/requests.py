"""What callers ask a model for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from jarvis_ports.values.enums import OpenEnum
from jarvis_ports.values.filters import Filter
from jarvis_ports.values.search import SearchMode


class Role(OpenEnum):
    """Who speaks in a message."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation.

    `content` is text and nothing else: control tokens that are written in it are not read as such.
    """

    role: Role
    content: str


Input = str | Sequence[Message]
"""A raw prompt, passed on as it is, or a conversation, rendered with the model's own chat template."""


@dataclass(frozen=True, slots=True)
class SamplingParams:
    """How tokens are chosen; None, or empty, is the engine's default. Ranges are the contract's."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    repetition_penalty: float | None = None
    max_tokens: int | None = None
    min_tokens: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    n: int | None = None
    logprobs: int | None = None
    logit_bias: Mapping[int, float] = field(default_factory=dict)
    ignore_eos: bool | None = None


class Constraint(StrEnum):
    """A form that an answer can be held to."""

    JSON_SCHEMA = "json_schema"
    REGEX = "regex"
    CHOICE = "choice"
    GRAMMAR = "grammar"


@dataclass(frozen=True, slots=True)
class StructuredOutput:
    """A constraint, and its text; for `CHOICE`, the texts to choose from."""

    constraint: Constraint
    value: str | tuple[str, ...]

    @property
    def field(self) -> str:
        """Its path in the contract."""
        return f"structured_output.{self.constraint}"


@dataclass(frozen=True, slots=True)
class GenerateRequest:
    """What to generate.

    `request_id` and `trace`, which holds W3C trace context headers to hand on, travel beside the message.
    `streamed` says whether the caller gets the answer as it comes, or all at once.
    """

    request_id: str
    input: Input
    sampling: SamplingParams = SamplingParams()
    structured_output: StructuredOutput | None = None
    priority: int | None = None
    return_token_ids: bool = False
    streamed: bool = False
    trace: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PromptParams:
    """What a request says of its template; what is None is left to the server. An empty template is none."""

    template: str | None = None
    difficulty: int | None = None
    template_variables: Mapping[str, str] = field(default_factory=dict)
    language: str | None = None


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


@dataclass(frozen=True, slots=True)
class GenerateCall:
    """A request as its caller makes it: what to generate, by which model, and how its prompt is found.

    `model` names a model or a route; None, or empty, is the default route.
    """

    request: GenerateRequest
    model: str | None = None
    prompt: PromptParams = PromptParams()
    retrieval: Retrieval | None = None


@dataclass(frozen=True, slots=True)
class CountTokensRequest:
    """What to count the tokens of, by which model or route."""

    input: Input
    model: str | None = None


@dataclass(frozen=True, slots=True)
class ExplainPromptRequest:
    """What to explain: the fields are those of `GenerateCall`."""

    input: Input
    model: str | None = None
    prompt: PromptParams = PromptParams()
