"""The port of a text-generating model."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from jarvis_ports.health import Health


class Role(StrEnum):
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

    `trace` holds W3C trace context headers, to hand on. `streamed` says whether the caller gets the answer as
    it comes, or all at once.
    """

    request_id: str
    input: Input
    sampling: SamplingParams = SamplingParams()
    structured_output: StructuredOutput | None = None
    priority: int | None = None
    return_token_ids: bool = False
    streamed: bool = False
    trace: Mapping[str, str] = field(default_factory=dict)


class FinishReason(StrEnum):
    """Why a choice ended."""

    STOP = "stop"
    LENGTH = "length"


@dataclass(frozen=True, slots=True)
class TopLogprob:
    """A candidate at one position; `logprob` is a natural logarithm."""

    token_id: int
    token: str
    logprob: float


@dataclass(frozen=True, slots=True)
class TokenLogprob(TopLogprob):
    """The token that was chosen, and the likeliest candidates, the likeliest first."""

    top: tuple[TopLogprob, ...] = ()


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens used so far, over all choices. None where the engine does not tell."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """The engine has taken the request: every field of it is valid."""

    prompt_tokens: int


@dataclass(frozen=True, slots=True)
class Delta:
    """New text of one choice, never what was already given."""

    index: int
    text: str
    token_ids: tuple[int, ...] = ()
    logprobs: tuple[TokenLogprob, ...] = ()


@dataclass(frozen=True, slots=True)
class Finish:
    """One choice is complete. `queue_seconds` is None where the engine does not tell."""

    index: int
    reason: FinishReason
    usage: Usage
    matched_stop: str | None = None
    queue_seconds: float | None = None


LLMEvent = Accepted | Delta | Finish


@dataclass(frozen=True, slots=True)
class LLMCapabilities:
    """What a loaded model can do.

    `fields` are the optional request fields that it honours, by their path in the contract; the core refuses
    the others. `notes` is what an operator should know of how it runs; `settings` are those in force.
    """

    context_length: int
    fields: frozenset[str]
    notes: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)


class LLM(Protocol):
    """A loaded model that generates text."""

    def generate(self, request: GenerateRequest) -> AsyncGenerator[LLMEvent, None]:
        """Generate: one `Accepted`, any number of `Delta`s, one `Finish` for each choice.

        The core has checked ranges and `capabilities().fields`. Closing the iterator, or cancelling the task
        that reads it, frees what the request holds in the engine.

        Raises:
            InvalidArgument: before `Accepted`; what only the engine can judge, such as a schema.
            ContextLengthExceeded: before `Accepted`.
            Overloaded: before the first `Delta`; it has no room for the request now.
            EngineDead: at any time.
            EngineFailure: at any time.
        """
        ...

    async def count_tokens(self, input_: Input) -> int:
        """Count the tokens of a prompt, or of a conversation with its chat template.

        Raises:
            InvalidArgument: the chat template refuses the conversation.
        """
        ...

    def capabilities(self) -> LLMCapabilities:
        """Tell what it can do; constant while it is loaded."""
        ...

    async def health(self) -> Health:
        """Ask the engine itself; answers at once."""
        ...


ALL_FIELDS = frozenset(
    {
        *(f"sampling.{name}" for name in SamplingParams.__dataclass_fields__),
        *(f"structured_output.{constraint}" for constraint in Constraint),
        "messages",
        "messages.role.system",
        "priority",
        "return_token_ids",
    }
)
"""Every request field that an engine may or may not honour, by its path in the contract."""
