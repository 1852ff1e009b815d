"""Translates what vLLM raises into the port's errors."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from vllm.exceptions import VLLMClientError
from vllm.v1.engine.exceptions import EngineDeadError, EngineGenerateError

from jarvis_ports.errors import EngineDead, EngineFailure, InvalidArgument, JarvisError
from jarvis_ports.llm import GenerateRequest, RenderParams, SamplingParams, input_field


@contextmanager
def dead() -> Iterator[None]:
    """Raise the port's error if the engine has died."""
    try:
        yield
    except EngineDeadError:
        msg = "the engine process has died"
        raise EngineDead(msg) from None


@contextmanager
def translated(request: GenerateRequest) -> Iterator[None]:
    """Raise the port's errors instead of vLLM's."""
    try:
        with dead():
            yield
    except JarvisError:
        raise
    except EngineGenerateError as error:
        cause = error.__cause__ or error
        if isinstance(cause, ValueError | TypeError):
            raise _invalid(request, cause) from None
        msg = f"{type(cause).__name__}: {cause}"
        raise EngineFailure(msg) from error
    except (VLLMClientError, ValueError, TypeError) as error:
        raise _invalid(request, error) from None


def _invalid(request: GenerateRequest, error: Exception) -> InvalidArgument:
    """Blame the field that vLLM names, or else the constraint, which vLLM checks late, or else the input."""
    message = str(error.args[0]) if error.args else str(error)
    named = getattr(error, "parameter", None) or ""
    for word in (named, *re.findall(r"[a-z_]+", message)[:1]):
        if word in SamplingParams.__dataclass_fields__:
            return InvalidArgument.of(f"sampling.{word}", message)
        if word in RenderParams.__dataclass_fields__:
            return InvalidArgument.of(word, message)
    if request.structured_output:
        return InvalidArgument.of(request.structured_output.field, message)
    return InvalidArgument.of(input_field(request.input), message)
