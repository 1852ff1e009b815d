"""vLLM's own metrics, of several engines in one process."""

from typing import Any

from vllm.v1.metrics.loggers import PrometheusStatLogger

from jarvis_adapters.vllm.exclusive import PREPARING


class Metrics(PrometheusStatLogger):  # type: ignore[misc] # vLLM is untyped here
    """vLLM's metrics; they replace those of an engine before, which two engines must not do at once."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as vLLM's own
        with PREPARING:
            super().__init__(*args, **kwargs)
