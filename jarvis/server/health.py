"""The standard health service, with the List that the library leaves out."""

from collections.abc import Iterable, Mapping
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class HealthServicer(health.aio.HealthServicer):  # type: ignore[misc] # the library is not typed
    """Check, Watch and List, over a fixed set of names.

    Args:
        services: the names of the services; the empty name, which stands for the server, is added.
    """

    def __init__(self, services: Iterable[str]) -> None:
        super().__init__()
        self._statuses = dict.fromkeys(["", *services], NOT_SERVING)

    @property
    def ready(self) -> bool:
        """Whether it says SERVING of the server."""
        return bool(self._statuses[""] == SERVING)

    async def become(self, serving: Mapping[str, bool]) -> None:
        """Tell everyone who asks or watches, of each name; one that is not told of is not serving."""
        for service in self._statuses:
            status = SERVING if serving.get(service) else NOT_SERVING
            self._statuses[service] = status
            await self.set(service, status)

    async def enter_graceful_shutdown(self) -> None:
        """Tell everyone NOT_SERVING, for good."""
        await self.become({})
        await super().enter_graceful_shutdown()

    async def List(
        self,
        request: health_pb2.HealthListRequest,
        context: grpc.aio.ServicerContext[Any, Any],
    ) -> health_pb2.HealthListResponse:
        """Tell the status of every name at once."""
        return health_pb2.HealthListResponse(
            statuses={
                service: health_pb2.HealthCheckResponse(status=status)
                for service, status in self._statuses.items()
            }
        )
