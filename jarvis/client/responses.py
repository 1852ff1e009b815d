"""Answers to Python values."""

from collections.abc import Iterable
from typing import Any

from jarvis.client.events import Answer, Choice, Citation, Event, Finished, Retrieved, Started, Timings
from jarvis.client.info import (
    AdapterInfo,
    AdapterState,
    ComponentStatus,
    ModelInfo,
    ModelStatus,
    ServerStatus,
    State,
)
from jarvis.client.messages import known
from jarvis.client.retrieval_types import ChunkSource
from jarvis.v1 import generation_pb2 as pb
from jarvis.v1 import retrieval_pb2, server_pb2
from jarvis_ports.llm import Delta, FinishReason, TokenLogprob, TopLogprob, Usage

FINISH_REASONS = {pb.FINISH_REASON_STOP: FinishReason.STOP, pb.FINISH_REASON_LENGTH: FinishReason.LENGTH}
TIMES: Any = ("queue_seconds", "time_to_first_token_seconds", "retrieval_seconds")
STATES = {
    server_pb2.STATE_LOADING: State.LOADING,
    server_pb2.STATE_READY: State.READY,
    server_pb2.STATE_FAILED: State.FAILED,
    server_pb2.STATE_DRAINING: State.DRAINING,
}
ADAPTER_STATES = {
    server_pb2.ADAPTER_STATE_AVAILABLE: AdapterState.AVAILABLE,
    server_pb2.ADAPTER_STATE_FAILED: AdapterState.FAILED,
    server_pb2.ADAPTER_STATE_BLOCKED: AdapterState.BLOCKED,
    server_pb2.ADAPTER_STATE_INCOMPATIBLE: AdapterState.INCOMPATIBLE,
}


def event(response: pb.GenerateStreamResponse) -> Event | None:
    """Read an event; None is one that only a newer client knows."""
    match response.WhichOneof("event"):
        case "delta":
            delta = response.delta
            return Delta(delta.index, delta.text, tuple(delta.token_ids), _logprobs(delta.logprobs))
        case "started":
            started = response.started
            found = _retrieved(started)
            return Started(started.request_id, started.model, started.prompt_tokens, found)
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
        retrieved=_retrieved(response),
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
            source=_source(citation.source) if citation.HasField("source") else None,
        )
        for citation in message.retrieved.citations
    )
    return Retrieved(tuple(citations), message.retrieved.left_out)


def _source(source: retrieval_pb2.ChunkSource) -> ChunkSource:
    return ChunkSource(source.document_id, source.source, source.start, source.end)


def server_status(response: server_pb2.GetStatusResponse) -> ServerStatus:
    """Read the state of the server."""
    models = (
        ModelStatus(
            name=model.name,
            adapter=model.adapter,
            state=known(STATES, model.state),
            message=model.message,
            active_requests=model.active_requests,
            restarts=model.restarts,
            notes=tuple(model.notes),
            settings=dict(model.settings),
        )
        for model in response.models
    )
    return ServerStatus(
        version=response.version,
        state=known(STATES, response.state),
        uptime_seconds=response.uptime_seconds,
        active_requests=response.active_requests,
        models=tuple(models),
        components=tuple(_component(component) for component in response.components),
    )


def _component(component: server_pb2.ComponentStatus) -> ComponentStatus:
    return ComponentStatus(
        port=component.port,
        name=component.name,
        adapter=component.adapter,
        state=known(STATES, component.state),
        message=component.message,
        restarts=component.restarts,
        notes=tuple(component.notes),
        settings=dict(component.settings),
    )


def models(response: server_pb2.ListModelsResponse) -> list[ModelInfo]:
    """Read the models."""
    return [
        ModelInfo(
            name=model.name,
            is_default=model.is_default,
            adapter=model.adapter,
            state=known(STATES, model.state),
            context_length=model.context_length if model.HasField("context_length") else None,
            supported_fields=tuple(model.supported_fields),
        )
        for model in response.models
    ]


def adapters(response: server_pb2.ListAdaptersResponse) -> list[AdapterInfo]:
    """Read the adapters."""
    return [
        AdapterInfo(
            port=adapter.port,
            name=adapter.name,
            distribution=adapter.distribution,
            version=adapter.version,
            state=known(ADAPTER_STATES, adapter.state),
            message=adapter.message,
        )
        for adapter in response.adapters
    ]


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
