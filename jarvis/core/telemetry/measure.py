"""Measures requests to language models and to embedding models."""

import time
from asyncio import CancelledError
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from jarvis.core.lifecycle.component import Component
from jarvis.core.telemetry.instruments import Instruments
from jarvis.core.telemetry.metrics import GEN_AI, REQUEST_DURATION
from jarvis_ports.errors import JarvisError


def named(operation: str, model: Component[Any]) -> dict[str, str]:
    """Return OpenTelemetry's attributes of a request: the operation, the provider, and the model.

    https://github.com/open-telemetry/semantic-conventions-genai
    """
    return dict(zip(GEN_AI, (operation, model.adapter, model.name), strict=True))


@contextmanager
def request_duration(
    instruments: Instruments, attributes: Mapping[str, str], arrived: float
) -> Iterator[None]:
    """Record how long a request took, and the error that ended it, if any.

    Args:
        instruments: record it.
        attributes: name the request.
        arrived: when it arrived, by `time.monotonic`.
    """
    error = {}
    try:
        yield
    except (CancelledError, GeneratorExit):
        error = {"error.type": "cancelled"}
        raise
    except Exception as failure:
        error = {"error.type": failure.reason if isinstance(failure, JarvisError) else type(failure).__name__}
        raise
    finally:
        instruments.observe(REQUEST_DURATION, time.monotonic() - arrived, {**attributes, **error})
