"""The standard health service, with the List method and the error details that the library lacks."""

from collections.abc import Iterable, Mapping
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2

from jarvis_ports.errors import ServiceNotFound, TooManyServices

Context = grpc.aio.ServicerContext[Any, Any]

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
MAX_LISTED = 100
"""https://github.com/grpc/proposal/blob/master/A90-health-service-list.md"""


class HealthServicer(health.aio.HealthServicer):  # type: ignore[misc] # the library is not typed
    """Check, Watch and List.

    Args:
        services: the names that are always known; the empty one, which stands for the server, is added.
    """

    def __init__(self, services: Iterable[str]) -> None:
        super().__init__()
        self._always = ("", *services)
        self._statuses = dict.fromkeys(self._always, NOT_SERVING)
        self._ending = False

    @property
    def ready(self) -> bool:
        """Whether the server as a whole is reported as SERVING."""
        return bool(self._statuses[""] == SERVING)

    async def become(self, serving: Mapping[str, bool]) -> None:
        """Set the status of every name, and report it to watchers; a name that is left out is not serving.

        One that is not always known is no longer known then. Once the shutdown has begun, none serves,
        whatever becomes ready meanwhile.
        """
        if self._ending:
            serving = dict.fromkeys(self._statuses, False)
        known = dict.fromkeys([*self._always, *serving])
        gone = self._statuses.keys() - known.keys()
        for service in known:  # the library must not find a new one while it goes through them
            self._server_status.setdefault(service, UNKNOWN)
        self._statuses = {service: SERVING if serving.get(service) else NOT_SERVING for service in known}
        for service, status in [*self._statuses.items(), *((service, UNKNOWN) for service in gone)]:
            await self.set(service, status)

    async def enter_graceful_shutdown(self) -> None:
        """Set every name to NOT_SERVING, for good."""
        self._ending = True
        await self.become({})
        await super().enter_graceful_shutdown()

    async def Check(
        self, request: health_pb2.HealthCheckRequest, context: Context
    ) -> health_pb2.HealthCheckResponse:
        """Return the status of one name.

        Raises:
            ServiceNotFound: there is no such name.
        """
        if request.service not in self._statuses:
            raise ServiceNotFound(request.service, list(self._statuses))
        return health_pb2.HealthCheckResponse(status=self._statuses[request.service])

    async def List(
        self, request: health_pb2.HealthListRequest, context: Context
    ) -> health_pb2.HealthListResponse:
        """Return the status of every name at once.

        Raises:
            TooManyServices: there are more than may be listed.
        """
        if (number := len(self._statuses)) > MAX_LISTED:
            found = f"there are {number} services, and List tells of {MAX_LISTED} at most; ask for each"
            raise TooManyServices(found)
        return health_pb2.HealthListResponse(
            statuses={
                service: health_pb2.HealthCheckResponse(status=status)
                for service, status in self._statuses.items()
            }
        )
