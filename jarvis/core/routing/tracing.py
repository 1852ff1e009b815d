"""Traces requests to models."""

from contextlib import AbstractContextManager

from jarvis.core.instruments import Instruments
from jarvis.core.measure import named
from jarvis.core.model import Model
from jarvis_ports.llm import GenerateRequest
from jarvis_ports.telemetry import Attributes, Span, SpanKind

ASKED = ("max_tokens", "temperature", "top_p", "top_k", "seed")


def attributes(model: Model, request: GenerateRequest) -> dict[str, str]:
    """Say what kind of request goes to which model."""
    operation = "text_completion" if isinstance(request.input, str) else "chat"
    return named(operation, model)


def span(
    instruments: Instruments, names: dict[str, str], request: GenerateRequest, route: str | None
) -> AbstractContextManager[Span]:
    """Trace a request to a model, which `names` describes."""
    operation, _, model = names.values()
    asked = {f"gen_ai.request.{name}": getattr(request.sampling, name) for name in ASKED}
    known: Attributes = {
        name: value for name, value in {**asked, "jarvis.route": route}.items() if value is not None
    }
    return instruments.span(f"{operation} {model}", {**names, **known}, kind=SpanKind.CLIENT)
