"""Answers with text to Python values."""

from collections.abc import Iterable
from typing import Any

from jarvis.client.events import (
    Answer,
    Choice,
    Citation,
    Event,
    Finished,
    Retrieved,
    Routing,
    RoutingReason,
    SkippedModel,
    Started,
    Timings,
)
from jarvis.client.messages import known
from jarvis.client.retrieval_convert import chunk_source, duplicates
from jarvis.v1 import generation_pb2 as pb
from jarvis_ports.llm import Delta, FinishReason, TokenLogprob, TopLogprob, Usage

FINISH_REASONS = {pb.FINISH_REASON_STOP: FinishReason.STOP, pb.FINISH_REASON_LENGTH: FinishReason.LENGTH}
ROUTING_REASONS = {
    pb.ROUTING_REASON_NAMED: RoutingReason.NAMED,
    pb.ROUTING_REASON_ROUTED: RoutingReason.ROUTED,
    pb.ROUTING_REASON_FALLBACK: RoutingReason.FALLBACK,
}
TIMES: Any = ("queue_seconds", "time_to_first_token_seconds", "retrieval_seconds")


def event(response: pb.GenerateStreamResponse) -> Event | None:
    """Read an event; None is one that only a newer client knows."""
    match response.WhichOneof("event"):
        case "delta":
            delta = response.delta
            return Delta(delta.index, delta.text, tuple(delta.token_ids), _logprobs(delta.logprobs))
        case "started":
            started = response.started
            return Started(
                started.request_id, started.model, started.prompt_tokens, **_circumstances(started)
            )
        case "finished":
            finished = response.finished
            return Finished(
                index=finished.index,
                reason=known(FINISH_REASONS, finished.reason),
                usage=_usage(finished.usage),
                timings=_timings(finished.timings),
                matched_stop=finished.matched_stop if finished.HasField("matched_stop") else None,
                cited=tuple(finished.cited),
                cited_unknown=tuple(finished.cited_unknown),
            )
    return None


def answer(response: pb.GenerateResponse) -> Answer:
    """Read a whole answer."""
    return Answer(
        request_id=response.request_id,
        model=response.model,
        choices=tuple(_choice(choice) for choice in response.choices),
        usage=_usage(response.usage),
        timings=_timings(response.timings),
        **_circumstances(response),
    )


def _circumstances(message: pb.Started | pb.GenerateResponse) -> dict[str, Any]:
    """Read what `Started` and `Answer` both tell."""
    return {
        "retrieved": _retrieved(message),
        "template": message.template if message.HasField("template") else None,
        "difficulty": message.difficulty if message.HasField("difficulty") else None,
        "language": message.language if message.HasField("language") else None,
        "routing": _routing(message.routing) if message.HasField("routing") else None,
    }


def _routing(routing: pb.Routing) -> Routing:
    return Routing(
        route=routing.route if routing.HasField("route") else None,
        reason=known(ROUTING_REASONS, routing.reason),
        skipped=tuple(SkippedModel(skipped.model, skipped.reason) for skipped in routing.skipped),
    )


def _retrieved(message: pb.Started | pb.GenerateResponse) -> Retrieved | None:
    if not message.HasField("retrieved"):
        return None
    citations = (
        Citation(
            number=citation.number,
            id=citation.id,
            text=citation.text,
            score=citation.score,
            similarity=citation.similarity if citation.HasField("similarity") else None,
            source=chunk_source(citation.source) if citation.HasField("source") else None,
            duplicates=duplicates(citation.duplicates),
        )
        for citation in message.retrieved.citations
    )
    return Retrieved(tuple(citations), message.retrieved.left_out)


def _choice(choice: pb.Choice) -> Choice:
    return Choice(
        index=choice.index,
        text=choice.text,
        reason=known(FINISH_REASONS, choice.reason),
        matched_stop=choice.matched_stop if choice.HasField("matched_stop") else None,
        token_ids=tuple(choice.token_ids),
        logprobs=_logprobs(choice.logprobs),
        cited=tuple(choice.cited),
        cited_unknown=tuple(choice.cited_unknown),
    )


def _usage(usage: pb.Usage) -> Usage:
    cached = usage.cached_tokens if usage.HasField("cached_tokens") else None
    return Usage(usage.prompt_tokens, usage.completion_tokens, cached)


def _timings(timings: pb.Timings) -> Timings:
    told = {name: getattr(timings, name) for name in TIMES if timings.HasField(name)}
    return Timings(timings.total_seconds, **told)


def _logprobs(logprobs: Iterable[pb.TokenLogprob]) -> tuple[TokenLogprob, ...]:
    return tuple(
        TokenLogprob(
            token.token_id,
            token.token,
            token.logprob,
            tuple(TopLogprob(top.token_id, top.token, top.logprob) for top in token.top),
        )
        for token in logprobs
    )
