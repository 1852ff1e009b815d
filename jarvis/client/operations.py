"""The calls that tell and change how a server runs."""
# ruff: noqa: ASYNC109 - these are gRPC deadlines, which the server sees too

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from jarvis.client.calls import Calls
from jarvis.client.errors import JarvisClientError
from jarvis.client.health import HealthStatus
from jarvis.client.requests import written
from jarvis.v1 import server_pb2_grpc
from jarvis.wire import server
from jarvis_ports.values import (
    AdapterInfo,
    AdapterWeights,
    CallerUsage,
    ModelInfo,
    ModelList,
    ReloadRequest,
    RouteInfo,
    ServerStatus,
    UsageRequest,
    WeightsRequest,
)

RELOAD_TIMEOUT = 3600.0
"""Seconds that a reload may take: a large model may be downloaded, and old requests may go on for long."""
WEIGHTS_TIMEOUT = 600.0
"""Seconds that loading or unloading weights may take: requests that run with them may go on for long."""


class OperationsClient:
    """The part of `JarvisClient` for those who operate the server."""

    def __init__(
        self,
        calls: Calls,
        server_: "server_pb2_grpc.ServerServiceAsyncStub",
        health: "health_pb2_grpc.HealthStub",
    ) -> None:
        self._calls = calls
        self._server = server_
        self._health = health

    async def status(self) -> ServerStatus:
        """Return the state of the server and of each of its models."""
        return server.STATUS.read(await self._calls.unary(self._server.GetStatus, server.STATUS_REQUEST))

    async def models(self) -> list[ModelInfo]:
        """List the models that can be called, in the order of the server's configuration."""
        return list((await self._model_list()).models)

    async def routes(self) -> list[RouteInfo]:
        """List the routes that can be called in place of a model, in the order of the configuration."""
        return list((await self._model_list()).routes)

    async def _model_list(self) -> ModelList:
        response = await self._calls.unary(self._server.ListModels, server.MODELS_REQUEST)
        return server.MODEL_LIST.read(response)

    async def adapters(self) -> list[AdapterInfo]:
        """List the adapters that the server has, and the plugins that did not load."""
        response = await self._calls.unary(self._server.ListAdapters, server.ADAPTERS_REQUEST)
        return list(server.ADAPTERS.read(response))

    async def reload_adapter(self, port: str, name: str, *, timeout: float = RELOAD_TIMEOUT) -> int:
        """Replace a component of the server by a new instance of itself, while requests go on.

        If this is cancelled before the new instance has taken over, the old one stays.

        Args:
            port: "llm", "embedder", "reranker" or "cache".
            name: the component's name, as `status` tells it.
            timeout: seconds that it may take to open the new instance and to close the old one.

        Returns:
            How many requests were ended because they took too long to finish with the old instance.
        """
        request = written(server.RELOAD.message, ReloadRequest(port, name))
        method = self._server.ReloadAdapter
        return server.RELOADED.read(await self._calls.unary(method, request, timeout=timeout))

    async def sleep_model(self, name: str, *, timeout: float = RELOAD_TIMEOUT) -> int:
        """Have a model release its memory until `wake_model`; requests that it has finish first.

        If this is cancelled while they run, the model stays awake.

        Args:
            name: the model's name.
            timeout: seconds that it may take.

        Returns:
            How many requests were ended because they took too long.
        """
        request = written(server.SLEEP.message, name)
        return server.ASLEEP.read(await self._calls.unary(self._server.SleepModel, request, timeout=timeout))

    async def wake_model(self, name: str, *, timeout: float = RELOAD_TIMEOUT) -> None:
        """Wake a model that sleeps for whatever reason, and wait until it is ready.

        Args:
            name: the model's name.
            timeout: seconds that it may take.
        """
        request = written(server.WAKE.message, name)
        await self._calls.unary(self._server.WakeModel, request, timeout=timeout)

    async def load_weights(
        self, name: str, path: str, *, base: str, timeout: float = WEIGHTS_TIMEOUT
    ) -> None:
        """Load further weights (LoRA) into the engine of a model; callers then name them as a model.

        They are gone when the server ends. If this is cancelled, nothing stays loaded.

        Args:
            name: what they are to be called, as `model` of requests.
            path: their folder on the server's machine, in one of its `server.weights_folders`.
            base: the model whose engine gets them.
            timeout: seconds that it may take.
        """
        request = written(server.LOAD_WEIGHTS.message, WeightsRequest(base, name, path))
        await self._calls.unary(self._server.LoadAdapterWeights, request, timeout=timeout)

    async def unload_weights(self, name: str, *, timeout: float = WEIGHTS_TIMEOUT) -> int:
        """Unload weights that were loaded while the server runs, once the requests that use them are done.

        Returns:
            How many requests were ended because they took too long to finish.
        """
        request = written(server.UNLOAD_WEIGHTS.message, name)
        method = self._server.UnloadAdapterWeights
        return server.UNLOADED.read(await self._calls.unary(method, request, timeout=timeout))

    async def weights(self) -> list[AdapterWeights]:
        """List the further weights that are configured, and those that were loaded since."""
        response = await self._calls.unary(self._server.ListAdapterWeights, server.WEIGHTS_REQUEST)
        return list(server.WEIGHTS.read(response))

    async def abort(self, request_id: str) -> int:
        """End the requests with an id, and return how many there were."""
        request = written(server.ABORT.message, request_id)
        return server.ABORTED.read(await self._calls.unary(self._server.Abort, request))

    async def usage(self, *, days: int = 1, caller: str | None = None) -> tuple[CallerUsage, ...]:
        """Return what callers used of each model, by day.

        Args:
            days: how many days, today in UTC included; at most 400.
            caller: whose usage; None means that of all callers, or one's own without the role `observe` or
                `admin`.
        """
        request = written(server.USAGE_REQUEST.message, UsageRequest(days, caller))
        return server.USAGE.read(await self._calls.unary(self._server.GetUsage, request))

    async def health(self, service: str = "") -> HealthStatus:
        """Ask the standard health service about one service; the empty name stands for the whole server."""
        request = health_pb2.HealthCheckRequest(service=service)
        try:
            response = await self._calls.unary(self._health.Check, request)
        except JarvisClientError as error:
            if error.code is grpc.StatusCode.NOT_FOUND:
                return HealthStatus.SERVICE_UNKNOWN
            raise
        return HealthStatus(health_pb2.HealthCheckResponse.ServingStatus.Name(response.status))
