"""Begins a request with the first model that can answer it."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from jarvis.core.admission import Ticket
from jarvis.core.routing import tracing
from jarvis.core.routing.model import Model
from jarvis.core.routing.routes import Destination, untroubled_first
from jarvis.core.telemetry.instruments import Instruments
from jarvis.core.telemetry.metrics import MODEL
from jarvis_ports.errors import (
    ContextLengthExceeded,
    DeadlineTooShort,
    EngineDead,
    EngineFailure,
    JarvisError,
    ModelAsleep,
    ModelLoading,
    Overloaded,
    UnsupportedField,
)
from jarvis_ports.llm import LLM, Accepted, Delta, Finish, GenerateRequest, LLMEvent
from jarvis_ports.telemetry import Span
from jarvis_ports.values import Routing, RoutingReason, SkippedModel

ELSEWHERE = (ModelLoading, ModelAsleep, EngineDead, Overloaded, DeadlineTooShort, ContextLengthExceeded)
"""The errors after which another model may still be able to answer."""
CIRCUIT_OPEN = "CIRCUIT_OPEN"
"""The reason for skipping a model that had failed too often to be tried first."""

P = TypeVar("P")


@dataclass(frozen=True, slots=True)
class Attempt(Generic[P]):
    """A request that a model has begun to answer: `first` is its first output, `events` yields the rest.

    `waited` is how many seconds it took until the model had room for it.
    `span` is open until the answer ends; `attributes` name the request as OpenTelemetry does.
    """

    model: Model
    routing: Routing
    prepared: P
    accepted: Accepted
    waited: float
    first: Delta | Finish
    events: AsyncGenerator[LLMEvent, None]
    span: Span
    attributes: Mapping[str, str]


async def begin(  # noqa: PLR0913, PLR0917 - all that an attempt is made of
    stack: AsyncExitStack,
    destination: Destination,
    difficulty: int | None,
    ticket: Callable[[], Ticket],
    prepare: Callable[[LLM], Awaitable[tuple[GenerateRequest, P]]],
    instruments: Instruments,
) -> Attempt[P]:
    """Try one model after another until one produces its first output.

    The caller has seen nothing of a model that failed before that, so the next one starts afresh.

    Args:
        stack: closes what the request holds.
        destination: where the request goes.
        difficulty: how difficult the request is; None if that is unknown.
        ticket: makes the ticket with which the request waits for a model.
        prepare: makes the request for a model, and whatever else the caller wants back. What it raises is
            raised at once, as it is not the model's fault, but for what this model does not take.
        instruments: trace each attempt.

    Raises:
        JarvisError: of the models that could not answer, the first error that a retry may help, or the last.
    """
    wanted = destination.order(difficulty)
    failures: dict[str, JarvisError] = {}
    for model in untroubled_first(wanted):
        async with AsyncExitStack() as own:
            with instruments.span("admission", {MODEL: model.name}) as span:
                mine = ticket()
                try:
                    llm = await own.enter_async_context(model.request(mine))
                except ELSEWHERE as error:
                    span.failed(error.reason)
                    failures[model.name] = error
                    continue
            try:
                request, prepared = await prepare(llm)
            except UnsupportedField as error:  # which the next model may well take
                failures[model.name] = error
                continue
            attributes = tracing.attributes(model, request)
            span = own.enter_context(tracing.span(instruments, attributes, request, destination.route))
            events = await own.enter_async_context(aclosing(llm.generate(replace(request, trace=span.trace))))
            try:
                with model.queued():
                    accepted, first = await _first(events)
            except JarvisError as error:
                span.failed(error.reason)
                model.failed(error)
                if not isinstance(error, ELSEWHERE):
                    raise
                failures[model.name] = error
                continue
            model.breaker.succeeded()
            model.admission.began(mine)
            stack.push_async_callback(own.pop_all().aclose)
            routing = _routing(destination, wanted, model, failures)
            return Attempt(model, routing, prepared, accepted, mine.waited, first, events, span, attributes)
    errors = list(failures.values())
    raise next((error for error in errors if error.retry_after is not None), errors[-1])


async def _first(events: AsyncGenerator[LLMEvent, None]) -> tuple[Accepted, Delta | Finish]:
    """Wait for the first output; return what was told of the prompt, and the output."""
    accepted = Accepted(0)
    async for event in events:
        if not isinstance(event, Accepted):
            return accepted, event
        accepted = event
    msg = "the engine ended the stream without an answer"
    raise EngineFailure(msg)


def _routing(
    destination: Destination, wanted: Sequence[Model], model: Model, failures: Mapping[str, JarvisError]
) -> Routing:
    before = wanted[: wanted.index(model)]
    skipped = tuple(
        SkippedModel(one.name, failures[one.name].reason if one.name in failures else CIRCUIT_OPEN)
        for one in wanted
        if one in before or one.name in failures
    )
    if destination.route is None:
        return Routing(None, RoutingReason.NAMED)
    return Routing(destination.route, RoutingReason.FALLBACK if skipped else RoutingReason.ROUTED, skipped)
