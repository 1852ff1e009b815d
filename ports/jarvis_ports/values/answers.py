"""The answers of models, as events or whole."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Self

from jarvis_ports.values.enums import OpenEnum
from jarvis_ports.values.messages import Message, Role, ToolCall
from jarvis_ports.values.routing import Routing
from jarvis_ports.values.search import ChunkSource, Duplicate


class FinishReason(OpenEnum):
    """Why a choice ended."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"


@dataclass(frozen=True, slots=True)
class TopLogprob:
    """A candidate at one position; `logprob` is a natural logarithm."""

    token_id: int
    token: str
    logprob: float


@dataclass(frozen=True, slots=True)
class TokenLogprob(TopLogprob):
    """The token that was chosen, and the likeliest candidates in descending order."""

    top: tuple[TopLogprob, ...] = ()


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens used so far, over all choices. A value is None if the engine does not report it.

    `reasoning_tokens` are those of `completion_tokens` that are reasoning; None if the model does not reason.
    `estimated` says that the engine reports nothing, so that the numbers are a guess by the characters.
    """

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class Timings:
    """Durations in seconds; the total and the time to first token count from the arrival of the request.

    `queue_seconds` is the time before the model was let at it, and that in the engine's own queue where the
    engine reports it; `time_to_first_token_seconds` is None if there was no text, and `retrieval_seconds` if
    no search was asked for.
    """

    total_seconds: float
    queue_seconds: float | None = None
    time_to_first_token_seconds: float | None = None
    retrieval_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Citation:
    """A source that the model was given; an answer cites it as [number].

    `similarity` is None in sparse mode, and `source` for a row that was not ingested. `duplicates` are the
    other rows with the same text, at most 100.
    """

    number: int
    id: str
    text: str
    score: float
    similarity: float | None = None
    source: ChunkSource | None = None
    duplicates: tuple[Duplicate, ...] = ()


@dataclass(frozen=True, slots=True)
class Retrieved:
    """The sources, by number; `left_out` relevant ones did not fit. The model is told if there are none.

    `reranked` is whether a reranker has chosen them.
    """

    citations: tuple[Citation, ...]
    left_out: int = 0
    reranked: bool = False


@dataclass(frozen=True, slots=True)
class Started:
    """The first event: a model has begun to answer.

    `retrieved` is None if no search was asked for, `template` if there is none, `difficulty` if nothing
    estimates it, and `language` if the template has only one text. `prompt_logprobs` are those of the
    prompt's tokens from the second on, if they were asked for.
    """

    request_id: str
    model: str
    prompt_tokens: int
    retrieved: Retrieved | None = None
    template: str | None = None
    difficulty: int | None = None
    language: str | None = None
    routing: Routing | None = None
    prompt_logprobs: tuple[TokenLogprob, ...] = ()


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """What is new of a call of a tool: its id and name at first, and then the text of its arguments.

    `index` is the call's place among those of its choice, from 0.
    """

    index: int
    id: str | None = None
    name: str | None = None
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class Delta:
    """New text of one choice; it never repeats earlier text.

    `reasoning` is the new text of what the model reasons before it answers.
    """

    index: int
    text: str
    token_ids: tuple[int, ...] = ()
    logprobs: tuple[TokenLogprob, ...] = ()
    tool_calls: tuple[ToolCallDelta, ...] = ()
    reasoning: str = ""


@dataclass(frozen=True, slots=True)
class Finished:
    """The last event of a choice. `usage` covers all choices, up to this moment.

    `cited` are the numbers of the sources that the text cites, in the order of their first mention;
    `cited_unknown` are cited numbers that belong to no source. `unread_tool_call` says that the model tried
    to call a tool, and the call could not be read: it is in the text, or its arguments are no JSON.
    """

    index: int
    reason: FinishReason
    usage: Usage
    timings: Timings
    matched_stop: str | None = None
    unread_tool_call: bool = False
    cited: tuple[int, ...] = ()
    cited_unknown: tuple[int, ...] = ()


Event = Started | Delta | Finished


@dataclass(frozen=True, slots=True)
class NumberedEvent:
    """An event of a stream, and its number, from 1; 0 where the stream cannot be taken up again.

    `event` is None for one that only a newer version knows.
    """

    event: Event | None
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class Choice:
    """A complete answer. It has token ids and log probabilities if they were asked for.

    `cited`, `cited_unknown` and `unread_tool_call` are as in `Finished`.
    """

    index: int
    text: str
    reason: FinishReason
    matched_stop: str | None = None
    token_ids: tuple[int, ...] = ()
    logprobs: tuple[TokenLogprob, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    unread_tool_call: bool = False
    reasoning: str = ""
    cited: tuple[int, ...] = ()
    cited_unknown: tuple[int, ...] = ()

    @property
    def message(self) -> Message:
        """The choice as the model's message, for the conversation to go on."""
        return Message(Role.ASSISTANT, self.text, self.tool_calls)

    @classmethod
    def joined(cls, deltas: Sequence[Delta], finished: Finished) -> Self:
        """Assemble a choice from its events; deltas of other choices are ignored."""
        own = [delta for delta in deltas if delta.index == finished.index]
        return cls(
            index=finished.index,
            text="".join(delta.text for delta in own),
            reason=finished.reason,
            matched_stop=finished.matched_stop,
            token_ids=tuple(token_id for delta in own for token_id in delta.token_ids),
            logprobs=tuple(logprob for delta in own for logprob in delta.logprobs),
            tool_calls=_joined(part for delta in own for part in delta.tool_calls),
            unread_tool_call=finished.unread_tool_call,
            reasoning="".join(delta.reasoning for delta in own),
            cited=finished.cited,
            cited_unknown=finished.cited_unknown,
        )


def _joined(parts: Iterable[ToolCallDelta]) -> tuple[ToolCall, ...]:
    calls: dict[int, ToolCall] = {}
    for part in parts:
        call = calls.get(part.index) or ToolCall(part.id or "", part.name or "", "")
        calls[part.index] = replace(call, arguments=call.arguments + part.arguments)
    return tuple(call for _, call in sorted(calls.items()))


@dataclass(frozen=True, slots=True)
class Answer:
    """All `n` choices, by index. Fields are None, or empty, for the reasons given in `Started`."""

    request_id: str
    model: str
    choices: tuple[Choice, ...]
    usage: Usage
    timings: Timings
    retrieved: Retrieved | None = None
    template: str | None = None
    difficulty: int | None = None
    language: str | None = None
    routing: Routing | None = None
    prompt_logprobs: tuple[TokenLogprob, ...] = ()

    @property
    def text(self) -> str:
        """The text of the first choice."""
        return self.choices[0].text

    @property
    def reason(self) -> FinishReason:
        """Why the first choice ended."""
        return self.choices[0].reason

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The tool calls of the first choice."""
        return self.choices[0].tool_calls

    @classmethod
    def joined(cls, started: Started, deltas: Sequence[Delta], finished: Sequence[Finished]) -> Self:
        """Assemble an answer from the events of a whole stream."""
        return cls(
            request_id=started.request_id,
            model=started.model,
            choices=tuple(Choice.joined(deltas, one) for one in sorted(finished, key=lambda f: f.index)),
            usage=finished[-1].usage,
            timings=finished[-1].timings,
            retrieved=started.retrieved,
            template=started.template,
            difficulty=started.difficulty,
            language=started.language,
            routing=started.routing,
            prompt_logprobs=started.prompt_logprobs,
        )
