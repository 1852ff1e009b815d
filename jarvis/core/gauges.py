"""The gauges, which are read whenever somebody asks for the metrics."""

import platform
from collections.abc import Iterator
from typing import Any

import jarvis
from jarvis.core.admission import Intakes
from jarvis.core.embedding import Embedding
from jarvis.core.lifecycle.component import Component
from jarvis.core.lifecycle.components import Components
from jarvis.core.routing import Routes
from jarvis.core.telemetry import metrics
from jarvis.core.telemetry.gpus import GpuReader
from jarvis.core.telemetry.instruments import Instruments
from jarvis_plugins.registry import PortName
from jarvis_ports.telemetry import Reading


class Gauges:
    """Reads the state of the server's parts.

    Args:
        components: everything that the server opens.
        routes: the models among them.
        embedding: the use case of embedding, which has a queue of its own.
        intakes: where the requests wait that are not for a model.
        gpus: the reader of this machine's GPUs.
    """

    def __init__(
        self, components: Components, routes: Routes, embedding: Embedding, intakes: Intakes, gpus: GpuReader
    ) -> None:
        self._components = components
        self._routes = routes
        self._embedding = embedding
        self._intakes = intakes
        self._gpus = gpus

    def register(self, instruments: Instruments) -> None:
        """Register every gauge, to be read from now on."""
        readers = {
            metrics.QUEUE_DEPTH: self._queue_depth,
            metrics.ACTIVE_REQUESTS: self._active_requests,
            metrics.BREAKER_OPEN: self._breakers,
            metrics.ADAPTER_HEALTHY: self._healthy,
            metrics.ADAPTER_RESTARTS: self._restarts,
            metrics.GPU_MEMORY: self._gpu_memory,
            metrics.GPU_MEMORY_LIMIT: self._gpu_memory_limit,
            metrics.BUILD_INFO: self._build,
        }
        for metric, read in readers.items():
            instruments.gauge(metric, read)

    def _queue_depth(self) -> Iterator[Reading]:
        for model in self._routes.models:
            yield model.waiting, {"port": model.port_name, "name": model.name}
        for embedder in self._components.of(PortName.EMBEDDER):
            waiting = self._embedding.queue_depth + self._intakes.embedding.queued
            yield waiting, {"port": embedder.port_name, "name": embedder.name}
        for reranker in self._components.of(PortName.RERANKER):
            yield self._intakes.reranking.queued, {"port": reranker.port_name, "name": reranker.name}
        for store in self._components.of(PortName.STORE):
            yield self._intakes.search.queued, {"port": store.port_name, "name": store.name}

    def _active_requests(self) -> Iterator[Reading]:
        for model in self._routes.models:
            yield model.active, {"model": model.name}

    def _breakers(self) -> Iterator[Reading]:
        for model in self._routes.models:
            yield model.breaker.open, {"model": model.name}

    def _healthy(self) -> Iterator[Reading]:
        for component in self._components:
            yield component.serving or component.asleep, _labels(component)

    def _restarts(self) -> Iterator[Reading]:
        for component in self._components:
            yield component.restarts, _labels(component)

    def _gpu_memory(self) -> Iterator[Reading]:
        for gpu in self._gpus.read():
            yield gpu.memory_used_bytes, {"gpu_id": str(gpu.id)}

    def _gpu_memory_limit(self) -> Iterator[Reading]:
        for gpu in self._gpus.read():
            yield gpu.memory_total_bytes, {"gpu_id": str(gpu.id)}

    @staticmethod
    def _build() -> Iterator[Reading]:
        yield 1, {"version": jarvis.__version__, "python_version": platform.python_version()}


def _labels(component: Component[Any]) -> dict[str, str]:
    return {"port": component.port_name, "name": component.name, "adapter": component.adapter}
