"""The port of a text-generating model."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

from jarvis_ports.health import Health
from jarvis_ports.values import (
    Constraint,
    Delta,
    FinishReason,
    GenerateRequest,
    Image,
    Input,
    Message,
    Raw,
    ReasoningEffort,
    RenderParams,
    Role,
    SamplingParams,
    StructuredOutput,
    TextInput,
    TokenIds,
    TokenLogprob,
    Tool,
    ToolCall,
    ToolCallDelta,
    ToolChoice,
    TopLogprob,
    Usage,
    input_field,
)

__all__ = [
    "ALL_FIELDS",
    "LLM",
    "Accepted",
    "Constraint",
    "Delta",
    "Finish",
    "FinishReason",
    "GenerateRequest",
    "Image",
    "Input",
    "LLMCapabilities",
    "LLMEvent",
    "Message",
    "Raw",
    "ReasoningEffort",
    "RenderParams",
    "Role",
    "SamplingParams",
    "StructuredOutput",
    "TakesWeights",
    "TellsCacheUsage",
    "TellsTokens",
    "TextInput",
    "TokenIds",
    "TokenLogprob",
    "Tool",
    "ToolCall",
    "ToolCallDelta",
    "ToolChoice",
    "TopLogprob",
    "Usage",
    "input_field",
]


@dataclass(frozen=True, slots=True)
class Accepted:
    """The engine has accepted the request: all of its fields are valid.

    `prompt_tokens` is None if the engine does not count them first (`LLMCapabilities.counts_prompts`).
    `prompt_logprobs` are those of the prompt's tokens from the second on, if they were asked for.
    """

    prompt_tokens: int | None
    prompt_logprobs: tuple[TokenLogprob, ...] = ()


@dataclass(frozen=True, slots=True)
class Finish:
    """One choice is complete. `queue_seconds` is None if the engine does not report it.

    `usage` is None if the engine has not told it (`LLMCapabilities.exact_usage`); the core then estimates it.
    """

    index: int
    reason: FinishReason
    usage: Usage | None
    matched_stop: str | None = None
    queue_seconds: float | None = None
    unread_tool_call: bool = False


LLMEvent = Accepted | Delta | Finish


@dataclass(frozen=True, slots=True)
class LLMCapabilities:
    """What a loaded model can do.

    `fields` are the optional request fields that it honours, by their path in the contract; the core refuses
    the others. `notes` say what an operator should know about how it runs; `settings` are those in force;
    `slots` is how many answers it works on at a time, None if there is no such number.

    Attributes:
        counts_prompts: whether it counts the tokens of a prompt before it answers. Otherwise the core never
            calls `count_tokens`, refuses to count for callers, and estimates where it has to know.
        exact_usage: whether each `Finish` tells the usage.
    """

    context_length: int
    fields: frozenset[str]
    notes: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    slots: int | None = None
    counts_prompts: bool = True
    exact_usage: bool = True


class LLM(Protocol):
    """A loaded model that generates text."""

    def generate(self, request: GenerateRequest) -> AsyncGenerator[LLMEvent, None]:
        """Yield one `Accepted`, any number of `Delta`s, and one `Finish` for each choice.

        The core has checked ranges and `capabilities().fields`. Closing the iterator, or cancelling the task
        that reads it, frees what the request holds in the engine.

        Raises:
            InvalidArgument: before `Accepted`; for fields that only the engine can judge, such as a schema.
            ContextLengthExceeded: before `Accepted`.
            Overloaded: before the first `Delta`; the engine has no room for the request now.
            EngineDead: at any time.
            EngineFailure: at any time.
        """
        ...

    async def count_tokens(
        self, input_: Input, render: RenderParams = RenderParams(), tools: Sequence[Tool] = ()
    ) -> int:
        """Count the tokens of a prompt, or of a conversation with its chat template and its tools.

        Tools are given only to a model that takes them.

        Raises:
            InvalidArgument: the chat template refuses the conversation, or an argument of it.
        """
        ...

    def capabilities(self) -> LLMCapabilities:
        """Return what the model can do; this is constant while it is loaded."""
        ...

    async def health(self) -> Health:
        """Ask the engine itself whether it is well, and return at once."""
        ...


@runtime_checkable
class TellsCacheUsage(Protocol):
    """What an `LLM` is as well if it knows how full its cache of keys and values is."""

    def kv_cache_usage(self) -> float | None:
        """Return the share that is in use, from 0 to 1, at once; None before the first answer."""
        ...


@runtime_checkable
class TellsTokens(Protocol):
    """What an `LLM` is as well if it tells which tokens a prompt has; it then takes `prompt_token_ids`."""

    async def tokenize(self, input_: TextInput, render: RenderParams = RenderParams()) -> Sequence[int]:
        """Return the ids of the tokens that `count_tokens` counts; raise what it raises."""
        ...

    async def token_texts(self, token_ids: Sequence[int]) -> Sequence[str]:
        """Return the text of each token; one that is less than a character has U+FFFD in it.

        Raises:
            InvalidArgument: naming ids that are no token's, as `token_ids[0]`.
        """
        ...

    async def detokenize(self, token_ids: Sequence[int]) -> str:
        """Return the text of all tokens together, control tokens included; raise what `token_texts` does."""
        ...


@runtime_checkable
class Sleeps(Protocol):
    """What an `LLM` is as well if its engine can release its memory without being closed.

    It is only put to sleep while no request runs, and gets none until it is awake.
    """

    @property
    def can_sleep(self) -> bool:
        """Whether this one can, as it is configured; otherwise it is closed for a sleep."""
        ...

    async def sleep(self) -> None:
        """Release the memory.

        Raises:
            EngineDead: the engine has died.
        """
        ...

    async def wake(self) -> None:
        """Take the memory back, and be ready for requests.

        Raises:
            EngineDead: the engine has died, or the memory is no longer free.
        """
        ...


@runtime_checkable
class TakesWeights(Protocol):
    """What an `LLM` is as well if its engine takes further weights (LoRA), which some requests use."""

    async def load_weights(self, name: str, folder: Path) -> None:
        """Load weights, as PEFT writes them; requests with this name in `weights` then use them.

        Nothing is done if weights of this name are loaded. If this fails, other requests do not notice.

        Raises:
            EngineStartFailed: the weights are not of this model, cannot be read, or there is no room.
            EngineDead: the engine has died.
        """
        ...

    async def unload_weights(self, name: str) -> None:
        """Unload weights; nothing is done if there are none of this name. No request uses them any more.

        Raises:
            EngineDead: the engine has died.
        """
        ...


ALL_FIELDS = frozenset(
    {
        *(f"sampling.{name}" for name in SamplingParams.__dataclass_fields__),
        *RenderParams.__dataclass_fields__,
        *(f"structured_output.{constraint}" for constraint in Constraint),
        "messages",
        "messages.parts.image",
        "messages.role.system",
        "parallel_tool_calls",
        "priority",
        "prompt",
        "reasoning_effort",
        "prompt_token_ids",
        "return_token_ids",
        "tools",
    }
)
"""Every request field that an engine may or may not honour, by its path in the contract."""
