"""The requests of callers to a model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from jarvis_ports.values.enums import OpenEnum
from jarvis_ports.values.filters import Filter
from jarvis_ports.values.messages import Message
from jarvis_ports.values.search import SearchMode


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the model may call.

    Attributes:
        name: 1 to 64 letters, digits, underscores, dots and hyphens.
        description: what it does; the model reads it.
        parameters: the JSON schema of its arguments, as text; None if it takes none.
        strict: whether the arguments are held to the schema as they are generated; None does so only where a
            call is asked for.
    """

    name: str
    description: str | None = None
    parameters: str | None = None
    strict: bool | None = None


class ToolChoice(OpenEnum):
    """Whether the model calls tools."""

    AUTO = "auto"
    NONE = "none"
    REQUIRED = "required"


class ReasoningEffort(OpenEnum):
    """How much a model reasons before it answers."""

    NONE = "none"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class TokenIds:
    """A raw prompt as its tokens, by their ids."""

    ids: tuple[int, ...]


Raw = str | TokenIds
"""A raw prompt, passed on unchanged."""
TextInput = str | Sequence[Message]
"""A raw prompt, or a conversation, rendered with the model's own chat template."""
Input = TextInput | TokenIds


def input_field(input_: Input) -> str:
    """Return the path of an input in the contract."""
    if isinstance(input_, str):
        return "prompt"
    return "prompt_token_ids" if isinstance(input_, TokenIds) else "messages"


@dataclass(frozen=True, slots=True)
class RenderParams:
    """How an input becomes the tokens of a prompt; None, or empty, is the engine's default.

    Attributes:
        truncate_prompt_tokens: how many tokens to keep, the last ones.
        add_special_tokens: whether the tokenizer adds its tokens around a raw prompt.
        continue_final_message: whether the last message is the assistant's, and goes on.
        chat_template_args: the arguments of the chat template by name, as JSON texts.
        add_generation_prompt: whether the assistant's turn begins after the last message.
    """

    truncate_prompt_tokens: int | None = None
    add_special_tokens: bool | None = None
    continue_final_message: bool | None = None
    chat_template_args: Mapping[str, str] = field(default_factory=dict)
    add_generation_prompt: bool | None = None


@dataclass(frozen=True, slots=True)
class SamplingParams:
    """How tokens are chosen; None, or empty, is the engine's default. The contract gives the ranges."""

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
    stop_token_ids: tuple[int, ...] = ()
    include_stop: bool | None = None
    allowed_token_ids: tuple[int, ...] = ()
    bad_words: tuple[str, ...] = ()
    skip_special_tokens: bool | None = None
    logprob_token_ids: tuple[int, ...] = ()
    prompt_logprobs: int | None = None


class Constraint(StrEnum):
    """A form that an answer can be made to have."""

    JSON_SCHEMA = "json_schema"
    REGEX = "regex"
    CHOICE = "choice"
    GRAMMAR = "grammar"
    JSON_OBJECT = "json_object"
    STRUCTURAL_TAG = "structural_tag"


@dataclass(frozen=True, slots=True)
class StructuredOutput:
    """A constraint and its text; for `CHOICE`, the texts to choose from; for `JSON_OBJECT`, nothing."""

    constraint: Constraint
    value: str | tuple[str, ...] = ""

    @property
    def field(self) -> str:
        """The path of the constraint in the contract."""
        return f"structured_output.{self.constraint}"


@dataclass(frozen=True, slots=True)
class GenerateRequest:
    """What to generate.

    `request_id` and `trace`, the W3C trace context headers to pass on, travel outside the message.
    `streamed` says whether the caller gets the answer as it is generated, or whole.
    `cache_salt` keeps what an engine caches of the prompt apart from that of requests with another one.
    `weights` is the name of weights that the engine was given (`TakesWeights`), to be used with its own.
    `tool_name` is the one tool to call, in place of `tool_choice`.
    """

    request_id: str
    input: Input
    sampling: SamplingParams = SamplingParams()
    structured_output: StructuredOutput | None = None
    priority: int | None = None
    return_token_ids: bool = False
    streamed: bool = False
    trace: Mapping[str, str] = field(default_factory=dict)
    cache_salt: str = ""
    weights: str = ""
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    tool_name: str | None = None
    parallel_tool_calls: bool | None = None
    reasoning_effort: ReasoningEffort | None = None
    render: RenderParams = RenderParams()

    @property
    def must_call(self) -> bool:
        """Whether the answer has to call a tool."""
        return self.tool_name is not None or self.tool_choice is ToolChoice.REQUIRED

    @property
    def held_by(self) -> tuple[str, ...]:
        """The fields by which calls of tools are held to a form while they are generated."""
        if not self.tools or self.tool_choice is ToolChoice.NONE:
            return ()
        demands = [f"tools[{number}].strict" for number, tool in enumerate(self.tools) if tool.strict]
        demands += ["tool_name"] if self.tool_name else ["tool_choice"] if self.must_call else []
        demands += ["parallel_tool_calls"] if self.parallel_tool_calls is False else []
        return tuple(demands)


@dataclass(frozen=True, slots=True)
class PromptParams:
    """What a request says about its template; None leaves it to the server, an empty template means none."""

    template: str | None = None
    difficulty: int | None = None
    template_variables: Mapping[str, str] = field(default_factory=dict)
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Retrieval:
    """What to search before answering, in messages that end with the user's.

    Attributes:
        collection: the collection's name.
        query: what to search for; the text of the last message if None.
        mode: how to search; hybrid if None.
        top_k: the most sources; the contract's default if None.
        filter: finds only rows that pass it.
        min_similarity: the least similarity of a source; the server's default if None.
        max_tokens: the most tokens of all sources together; the server's default if None.
        rerank: whether a reranker chooses the sources; if None, where the server has one.
    """

    collection: str
    query: str | None = None
    mode: SearchMode | str | None = None
    top_k: int | None = None
    filter: Filter | None = None
    min_similarity: float | None = None
    max_tokens: int | None = None
    rerank: bool | None = None


@dataclass(frozen=True, slots=True)
class GenerateCall:
    """A request as its caller makes it: what to generate, with which model, and how to make its prompt.

    `model` names a model or a route; None, or empty, is the default route. `resumable` is whether a stream
    goes on for a while if its connection breaks.
    """

    request: GenerateRequest
    model: str | None = None
    prompt: PromptParams = PromptParams()
    retrieval: Retrieval | None = None
    resumable: bool = False


@dataclass(frozen=True, slots=True)
class ResumeRequest:
    """Which stream to take up again, after which of its events; 0 is before the first."""

    request_id: str
    after: int = 0


@dataclass(frozen=True, slots=True)
class ExplainPromptRequest:
    """The prompt to explain; the fields are those of `GenerateCall`."""

    input: TextInput
    model: str | None = None
    prompt: PromptParams = PromptParams()
