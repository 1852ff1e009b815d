"""Between the contract's messages and the domain's types. Pure functions, and no third shape."""

from collections.abc import Iterator, Sequence
from typing import Any

from jarvis.core.answer import Finished, GenerationEvent, Started, Timings
from jarvis.core.violations import Violations
from jarvis.server import enums
from jarvis.server.grounding_convert import retrieved
from jarvis.server.prompting_convert import ROLES, routing
from jarvis.v1 import generation_pb2 as pb
from jarvis_ports.llm import (
    Constraint,
    Delta,
    FinishReason,
    GenerateRequest,
    Input,
    Message,
    Role,
    SamplingParams,
    StructuredOutput,
    TokenLogprob,
    Usage,
)

FINISH_REASONS = {
    FinishReason.STOP: pb.FINISH_REASON_STOP,
    FinishReason.LENGTH: pb.FINISH_REASON_LENGTH,
}
MAX_TOKENS = 100
"""The most tokens of one message of a stream: with 20 candidates for each, some 40 kB."""
LOGPROB_BYTES = 7
"""The least that a log probability has: its own float, and a length."""
SCALARS: Any = set(SamplingParams.__dataclass_fields__) - {"stop", "logit_bias"}


def request(
    message: pb.GenerateRequest | pb.GenerateStreamRequest, request_id: str, violations: Violations
) -> GenerateRequest:
    """Read a request; what cannot be expressed in the domain's types is blamed."""
    return GenerateRequest(
        request_id=request_id,
        input=input_(message, violations),
        sampling=_sampling(message.sampling),
        structured_output=_structured_output(message, violations),
        priority=message.priority if message.HasField("priority") else None,
        return_token_ids=message.return_token_ids,
        streamed=isinstance(message, pb.GenerateStreamRequest),
    )


def input_(
    message: pb.GenerateRequest | pb.GenerateStreamRequest | pb.CountTokensRequest | pb.ExplainPromptRequest,
    violations: Violations,
) -> Input:
    """Read a prompt or a conversation; both or neither, and a role that is unknown, are blamed."""
    if not message.messages:
        if not message.HasField("prompt"):
            violations.blame("prompt", "set prompt or messages")
            return (Message(Role.USER, "any"),)
        return message.prompt
    if message.HasField("prompt"):
        violations.blame("prompt", "set either prompt or messages, not both")
    roles = (
        enums.read(one.role, ROLES, pb.Role.Name, f"messages[{position}].role", violations)
        for position, one in enumerate(message.messages)
    )
    return tuple(
        Message(role or Role.USER, one.content) for role, one in zip(roles, message.messages, strict=True)
    )


def _sampling(sampling: pb.SamplingParams) -> SamplingParams:
    scalars = {name: getattr(sampling, name) for name in SCALARS if sampling.HasField(name)}
    return SamplingParams(stop=tuple(sampling.stop), logit_bias=dict(sampling.logit_bias), **scalars)


def _structured_output(
    message: pb.GenerateRequest | pb.GenerateStreamRequest, violations: Violations
) -> StructuredOutput | None:
    if not message.HasField("structured_output"):
        return None
    name = message.structured_output.WhichOneof("constraint")
    if name is None:
        violations.blame("structured_output", "set one of its constraints")
        return None
    if name == "choice":
        return StructuredOutput(Constraint.CHOICE, tuple(message.structured_output.choice.values))
    return StructuredOutput(Constraint(name), getattr(message.structured_output, name))


def event(event_: GenerationEvent) -> pb.GenerateStreamResponse:
    """Write one event of a stream."""
    if isinstance(event_, Delta):
        return pb.GenerateStreamResponse(delta=_delta(event_))
    if isinstance(event_, Started):
        return pb.GenerateStreamResponse(
            started=pb.Started(
                request_id=event_.request_id,
                model=event_.model,
                prompt_tokens=event_.prompt_tokens,
                **_circumstances(event_),
            )
        )
    finish = event_.finish
    return pb.GenerateStreamResponse(
        finished=pb.Finished(
            index=finish.index,
            reason=FINISH_REASONS[finish.reason],
            matched_stop=finish.matched_stop,
            usage=_usage(finish.usage),
            timings=_timings(event_.timings),
            cited=event_.cited.known,
            cited_unknown=event_.cited.unknown,
        )
    )


def messages(event_: GenerationEvent) -> Iterator[pb.GenerateStreamResponse]:
    """Write one event of a stream; of a delta whose caller was slow to read, in several messages."""
    if not isinstance(event_, Delta) or max(len(event_.token_ids), len(event_.logprobs)) <= MAX_TOKENS:
        yield event(event_)
        return
    for start in range(0, max(len(event_.token_ids), len(event_.logprobs)), MAX_TOKENS):
        part = slice(start, start + MAX_TOKENS)
        text = "" if start else event_.text
        yield event(Delta(event_.index, text, event_.token_ids[part], event_.logprobs[part]))


def least_bytes(delta: Delta) -> int:
    """Tell how many bytes a delta adds to an answer at the least."""
    return len(delta.text) + LOGPROB_BYTES * sum(1 + len(one.top) for one in delta.logprobs)


def _delta(delta: Delta) -> pb.Delta:
    if not delta.token_ids and not delta.logprobs:
        return pb.Delta(index=delta.index, text=delta.text)
    return pb.Delta(
        index=delta.index,
        text=delta.text,
        token_ids=delta.token_ids,
        logprobs=[_logprob(logprob) for logprob in delta.logprobs],
    )


def answer(started: Started, deltas: Sequence[Delta], finished: Sequence[Finished]) -> pb.GenerateResponse:
    """Write a whole answer, from all the events of its stream."""
    last = finished[-1]
    return pb.GenerateResponse(
        request_id=started.request_id,
        model=started.model,
        choices=[_choice(one, deltas) for one in sorted(finished, key=lambda f: f.finish.index)],
        usage=_usage(last.finish.usage),
        timings=_timings(last.timings),
        **_circumstances(started),
    )


def _circumstances(started: Started) -> dict[str, Any]:
    """Write what `Started` and `GenerateResponse` both tell."""
    return {
        "template": started.prompt.template,
        "difficulty": started.prompt.difficulty,
        "language": started.prompt.language,
        "routing": routing(started.routing),
        "retrieved": retrieved(started.retrieved),
    }


def _choice(finished: Finished, deltas: Sequence[Delta]) -> pb.Choice:
    finish = finished.finish
    own = [delta for delta in deltas if delta.index == finish.index]
    return pb.Choice(
        index=finish.index,
        text="".join(delta.text for delta in own),
        reason=FINISH_REASONS[finish.reason],
        matched_stop=finish.matched_stop,
        token_ids=[token_id for delta in own for token_id in delta.token_ids],
        logprobs=[_logprob(logprob) for delta in own for logprob in delta.logprobs],
        cited=finished.cited.known,
        cited_unknown=finished.cited.unknown,
    )


def _logprob(logprob: TokenLogprob) -> pb.TokenLogprob:
    top = [pb.TopLogprob(token_id=one.token_id, token=one.token, logprob=one.logprob) for one in logprob.top]
    return pb.TokenLogprob(token_id=logprob.token_id, token=logprob.token, logprob=logprob.logprob, top=top)


def _usage(usage: Usage) -> pb.Usage:
    return pb.Usage(
        prompt_tokens=usage.prompt_tokens,
        cached_tokens=usage.cached_tokens,
        completion_tokens=usage.completion_tokens,
    )


def _timings(timings: Timings) -> pb.Timings:
    return pb.Timings(
        queue_seconds=timings.queue,
        time_to_first_token_seconds=timings.time_to_first_token,
        total_seconds=timings.total,
        retrieval_seconds=timings.retrieval,
    )
