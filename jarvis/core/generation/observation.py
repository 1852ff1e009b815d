"""Measures requests to models."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from jarvis.core.generation.answer import Answer
from jarvis.core.routing import Attempt
from jarvis.core.telemetry import metrics
from jarvis.core.telemetry.instruments import Instruments
from jarvis.core.telemetry.measure import request_duration
from jarvis_ports.difficulty import HARDEST
from jarvis_ports.values import Finished, GenerateRequest

RANGE = 20
"""The width of each range of difficulty."""


def difficulty_range(difficulty: int | None) -> str:
    """Return the name of a difficulty's range, `0-20` to `80-100`; only the last range includes its end."""
    if difficulty is None:
        return "unknown"
    start = min(difficulty, HARDEST - 1) // RANGE * RANGE
    return f"{start}-{start + RANGE}"


@contextmanager
def observed(
    instruments: Instruments,
    attempt: Attempt[Any],
    answer: Answer,
    request: GenerateRequest,
    difficulty: int | None,
) -> Iterator[None]:
    """Measure a request that a model has begun to answer, however it ends; nothing is recorded per token."""
    model = attempt.model.name
    instruments.count(metrics.QUERIES, {"model": model, "difficulty_range": difficulty_range(difficulty)})
    attempt.span.set({"gen_ai.response.id": request.request_id, "gen_ai.response.model": model})
    try:
        with request_duration(instruments, attempt.attributes, answer.arrived):
            yield
        instruments.observe(metrics.QUERY_LATENCY, time.monotonic() - answer.arrived, {"model": model})
    finally:
        if answer.first is not None:
            instruments.observe(metrics.TIME_TO_FIRST_TOKEN, answer.first, attempt.attributes)
        if answer.last:
            _record_finish(instruments, attempt, answer.last, answer.first)
        attempt.span.set(_response(answer, streamed=request.streamed))


def _record_finish(
    instruments: Instruments, attempt: Attempt[Any], last: Finished, first: float | None
) -> None:
    observe, model, usage = instruments.observe, attempt.model.name, last.usage
    told = {} if usage.estimated else {"input": usage.prompt_tokens, "output": usage.completion_tokens}
    for type_, number in told.items():
        observe(metrics.TOKEN_USAGE, number, {**attempt.attributes, "gen_ai.token.type": type_})
        instruments.count(metrics.TOKENS, {"model": model, "type": type_}, number)
    if usage.cached_tokens is not None:
        instruments.count(metrics.TOKENS, {"model": model, "type": "cached"}, usage.cached_tokens)
    if told and first is not None and usage.completion_tokens > 1:
        each = (last.timings.total_seconds - first) / (usage.completion_tokens - 1)
        observe(metrics.TIME_PER_OUTPUT_TOKEN, each, attempt.attributes)
    if last.timings.queue_seconds is not None:
        observe(metrics.QUEUE_WAIT, last.timings.queue_seconds, {"model": model})


def _response(answer: Answer, *, streamed: bool) -> dict[str, Any]:
    """Return what is known of an answer, by OpenTelemetry's names."""
    told: dict[str, Any] = {"gen_ai.response.time_to_first_chunk": answer.first if streamed else None}
    if answer.last:
        usage = answer.last.usage
        told |= {
            "gen_ai.usage.input_tokens": None if usage.estimated else usage.prompt_tokens,
            "gen_ai.usage.output_tokens": None if usage.estimated else usage.completion_tokens,
            "gen_ai.usage.cache_read.input_tokens": usage.cached_tokens,
            "gen_ai.response.finish_reasons": tuple(
                str(reason) for _, reason in sorted(answer.reasons.items())
            ),
        }
    return {name: value for name, value in told.items() if value is not None}
