"""generation.proto: answers."""

from jarvis.v1 import generation_pb2 as pb
from jarvis.wire.codec import Codec
from jarvis.wire.convert import REFUSED, Enumeration, Many
from jarvis.wire.generation import MESSAGES, TOOL_CALLS
from jarvis.wire.search import CHUNK_SOURCE, DUPLICATES
from jarvis.wire.shapes import Events, Only
from jarvis_ports.values import (
    Answer,
    Choice,
    Citation,
    Delta,
    Detokenized,
    Event,
    Finished,
    FinishReason,
    NumberedEvent,
    PromptExplanation,
    ResumeRequest,
    Retrieved,
    Routing,
    RoutingReason,
    Signal,
    SkippedModel,
    Started,
    Timings,
    TokenCount,
    TokenLogprob,
    Tokens,
    ToolCallDelta,
    TopLogprob,
    Usage,
)

FINISH_REASONS = Enumeration(pb.FinishReason, FinishReason, unset=REFUSED)
ROUTING_REASONS = Enumeration(pb.RoutingReason, RoutingReason, unset=REFUSED)
TOOL_CALL_DELTAS = Many(Codec(pb.ToolCallDelta, ToolCallDelta))
LOGPROBS = Many(Codec(pb.TokenLogprob, TokenLogprob, top=Many(Codec(pb.TopLogprob, TopLogprob))))
USAGE = Codec(pb.Usage, Usage)
TIMINGS = Codec(pb.Timings, Timings)
ROUTING = Codec(
    pb.Routing,
    Routing,
    optional=True,
    reason=ROUTING_REASONS,
    skipped=Many(Codec(pb.SkippedModel, SkippedModel)),
)
CITATIONS = Many(Codec(pb.Citation, Citation, source=CHUNK_SOURCE, duplicates=DUPLICATES))
RETRIEVED = Codec(pb.Retrieved, Retrieved, optional=True, citations=CITATIONS)

STARTED = Codec(pb.Started, Started, prompt_logprobs=LOGPROBS, routing=ROUTING, retrieved=RETRIEVED)
DELTA = Codec(pb.Delta, Delta, logprobs=LOGPROBS, tool_calls=TOOL_CALL_DELTAS)
FINISHED = Codec(pb.Finished, Finished, reason=FINISH_REASONS, usage=USAGE, timings=TIMINGS)
ANSWER = Codec(
    pb.GenerateResponse,
    Answer,
    choices=Many(Codec(pb.Choice, Choice, reason=FINISH_REASONS, logprobs=LOGPROBS, tool_calls=TOOL_CALLS)),
    usage=USAGE,
    timings=TIMINGS,
    prompt_logprobs=LOGPROBS,
    routing=ROUTING,
    retrieved=RETRIEVED,
)
TOKEN_COUNT = Codec(pb.CountTokensResponse, TokenCount)
TOKENS = Codec(pb.TokenizeResponse, Tokens)
DETOKENIZED = Codec(pb.DetokenizeResponse, Detokenized)
EXPLANATION = Codec(
    pb.ExplainPromptResponse,
    PromptExplanation,
    signals=Many(Codec(pb.Signal, Signal)),
    messages=MESSAGES,
)


EVENTS: Events[pb.GenerateStreamResponse, Event] = Events(
    pb.GenerateStreamResponse, started=STARTED, delta=DELTA, finished=FINISHED
)


class _Numbered:
    """Converts an event with its number."""

    def message(self, value: NumberedEvent) -> pb.GenerateStreamResponse:
        """Return the message of an event."""
        message = event_message(value.event) if value.event else pb.GenerateStreamResponse()
        message.sequence = value.sequence
        return message

    def write(self, value: NumberedEvent, path: str) -> pb.GenerateStreamResponse:  # noqa: ARG002
        return self.message(value)

    def read(self, raw: pb.GenerateStreamResponse, *_: object) -> NumberedEvent:
        """Return an event."""
        return NumberedEvent(EVENTS.read(raw), raw.sequence)


NUMBERED = _Numbered()
RESUMED: Only[pb.ResumeStreamResponse, NumberedEvent] = Only(pb.ResumeStreamResponse, NUMBERED)
RESUME = Codec(pb.ResumeStreamRequest, ResumeRequest)


def event_message(event: Event) -> pb.GenerateStreamResponse:
    """Return the message of an event; ordinary deltas take a shortcut, as there are many of them."""
    if isinstance(event, Delta) and not (
        event.token_ids or event.logprobs or event.tool_calls or event.reasoning
    ):
        return pb.GenerateStreamResponse(delta=pb.Delta(index=event.index, text=event.text))
    return EVENTS.message(event)
