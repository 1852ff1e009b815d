"""Keeps what callers wrote out of the log: vLLM dumps the current requests when an engine dies."""

from typing import Any

from vllm.sampling_params import SamplingParams, StructuredOutputsParams


def leave_out_texts() -> None:
    """Leave texts out when this process prints a request's parameters; vLLM itself leaves out prompts."""
    SamplingParams.__repr__ = _numbers
    StructuredOutputsParams.__repr__ = lambda _: "StructuredOutputsParams(...)"


def _numbers(params: Any) -> str:  # noqa: ANN401 - a struct of msgspec, untyped here
    given = {name: getattr(params, name) for name in params.__struct_fields__}
    shown = ", ".join(f"{name}={value}" for name, value in given.items() if isinstance(value, int | float))
    return f"SamplingParams({shown})"
