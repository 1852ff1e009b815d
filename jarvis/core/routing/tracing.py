"""Traces requests to models."""

from contextlib import AbstractContextManager
from typing import Any

from jarvis.core.routing.model import Model
from jarvis.core.telemetry.instruments import Instruments
from jarvis.core.telemetry.measure import named
from jarvis_ports.llm import GenerateRequest, Raw
from jarvis_ports.telemetry import Span, SpanKind

ASKED = {
    "max_tokens": "gen_ai.request.max_tokens",
    "temperature": "gen_ai.request.temperature",
    "top_p": "gen_ai.request.top_p",
    "top_k": "gen_ai.request.top_k",
    "seed": "gen_ai.request.seed",
    "frequency_penalty": "gen_ai.request.frequency_penalty",
    "presence_penalty": "gen_ai.request.presence_penalty",
    "stop": "gen_ai.request.stop_sequences",
    "n": "gen_ai.request.choice.count",
}
"""The attributes of a span, by the field of `SamplingParams` that each shows."""


def attributes(model: Model, request: GenerateRequest) -> dict[str, str]:
    """Return the attributes that name a request: its kind, and its model."""
    operation = "text_completion" if isinstance(request.input, Raw) else "chat"
    return named(operation, model)


def span(
    instruments: Instruments, names: dict[str, str], request: GenerateRequest, route: str | None
) -> AbstractContextManager[Span]:
    """Return the span of a request to a model; `names` are the request's `attributes`."""
    operation, _, model = names.values()
    asked: dict[str, Any] = {name: getattr(request.sampling, field) for field, name in ASKED.items()}
    asked |= {"gen_ai.request.stream": request.streamed or None, "jarvis.route": route}
    known = {name: value for name, value in asked.items() if value not in {None, ()}}
    return instruments.span(f"{operation} {model}", {**names, **known}, kind=SpanKind.CLIENT)
