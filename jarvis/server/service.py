"""The servicer of ServerService."""

from typing import Any

import grpc

from jarvis.core.generation.run_time_weights import RunTimeWeights
from jarvis.core.lifecycle.components import Components
from jarvis.core.lifecycle.reload import Reloads
from jarvis.core.lifecycle.requests import Requests
from jarvis.core.lifecycle.sleeping import Sleeping
from jarvis.core.metering import Metering
from jarvis.core.principal import Role, principal
from jarvis.core.routing import Routes
from jarvis.core.status import Status
from jarvis.core.telemetry.gpus import GpuReader
from jarvis.core.telemetry.instruments import Instruments
from jarvis.core.violations import Violations
from jarvis.server import context as calls
from jarvis.server.roles import needs
from jarvis.server.status import model_list, server_status
from jarvis.v1 import server_pb2_grpc
from jarvis.wire import server as wire
from jarvis.wire.messages import server_pb2 as pb
from jarvis_plugins.loader import Adapters
from jarvis_ports.errors import PermissionDenied

MOST_DAYS = 400
MOST_NOTED = 1000
"""The most characters of what a caller sent that its line in the log has of each field."""
Context = grpc.aio.ServicerContext[Any, Any]


class ServerServicer(server_pb2_grpc.ServerServiceServicer):
    """Translates between the contract and the state of the server.

    Args:
        status: the state of the server as a whole.
        components: all that the server opens.
        routes: the models among the components, and the routes over them.
        requests: the running requests.
        reloads: replaces components while requests go on.
        sleeping: puts models to sleep, and wakes them.
        weights: loads further weights into engines, and unloads them.
        adapters: the installed adapters.
        instruments: know the recent figures, and what is left of the error budgets.
        gpus: reads the GPUs of this machine.
        metering: knows what callers used.
    """

    def __init__(  # noqa: PLR0913 - all that it answers from
        self,
        status: Status,
        *,
        components: Components,
        routes: Routes,
        requests: Requests,
        reloads: Reloads,
        sleeping: Sleeping,
        weights: RunTimeWeights,
        adapters: Adapters,
        instruments: Instruments,
        gpus: GpuReader,
        metering: Metering,
    ) -> None:
        self._status = status
        self._components = components
        self._routes = routes
        self._requests = requests
        self._reloads = reloads
        self._sleeping = sleeping
        self._weights = weights
        self._adapters = adapters
        self._instruments = instruments
        self._gpus = gpus
        self._metering = metering

    @needs(Role.OBSERVE)
    async def GetStatus(self, request: pb.GetStatusRequest, context: Context) -> pb.GetStatusResponse:
        """Return the state of the server and of all its parts, and how it performs."""
        status = server_status(
            self._status,
            components=self._components,
            routes=self._routes,
            active_requests=self._requests.active,
            instruments=self._instruments,
            gpus=await self._gpus.read_in_thread(),
        )
        return wire.STATUS.message(status)

    @needs(Role.INFER, Role.OBSERVE)
    async def ListModels(self, request: pb.ListModelsRequest, context: Context) -> pb.ListModelsResponse:
        """Return the models, and the routes over them."""
        return wire.MODEL_LIST.message(model_list(self._routes))

    @needs(Role.OBSERVE)
    async def ListAdapters(
        self, request: pb.ListAdaptersRequest, context: Context
    ) -> pb.ListAdaptersResponse:
        """Return the installed adapters, and the plugins that did not load."""
        return wire.ADAPTERS.message(self._adapters.listed())

    @needs(Role.ADMIN)
    async def ReloadAdapter(
        self, request: pb.ReloadAdapterRequest, context: Context
    ) -> pb.ReloadAdapterResponse:
        """Replace a component by a new instance of itself, once that is well."""
        wanted = wire.RELOAD.read(request)
        return wire.RELOADED.message(await self._reloads.reload(wanted.port, wanted.name))

    @needs(Role.ADMIN)
    async def SleepModel(self, request: pb.SleepModelRequest, context: Context) -> pb.SleepModelResponse:
        """Have a model release its memory, once its requests have finished."""
        return wire.ASLEEP.message(await self._sleeping.sleep(wire.SLEEP.read(request)))

    @needs(Role.ADMIN)
    async def WakeModel(self, request: pb.WakeModelRequest, context: Context) -> pb.WakeModelResponse:
        """Wake a model, and answer when it is ready."""
        await self._sleeping.wake(wire.WAKE.read(request))
        return wire.AWAKE

    @needs(Role.ADMIN)
    async def LoadAdapterWeights(
        self, request: pb.LoadAdapterWeightsRequest, context: Context
    ) -> pb.LoadAdapterWeightsResponse:
        """Load further weights into the engine of a model, as a model of their own."""
        wanted = wire.LOAD_WEIGHTS.read(request)
        _note(weights=wanted.name, base=wanted.base, path=wanted.path)
        await self._weights.load(wanted)
        return wire.WEIGHTS_LOADED

    @needs(Role.ADMIN)
    async def UnloadAdapterWeights(
        self, request: pb.UnloadAdapterWeightsRequest, context: Context
    ) -> pb.UnloadAdapterWeightsResponse:
        """Unload weights, once the requests that they have are done."""
        name = wire.UNLOAD_WEIGHTS.read(request)
        _note(weights=name)
        return wire.UNLOADED.message(await self._weights.unload(name))

    @needs(Role.ADMIN)
    async def ListAdapterWeights(
        self, request: pb.ListAdapterWeightsRequest, context: Context
    ) -> pb.ListAdapterWeightsResponse:
        """Return the weights that are configured, and those that were loaded since."""
        return wire.WEIGHTS.message(self._weights.listed())

    @needs(Role.INFER)  # of one's own requests; an admin of all
    async def Abort(self, request: pb.AbortRequest, context: Context) -> pb.AbortResponse:
        """End the running requests with the given id; those of others only for an admin."""
        caller = principal.get()
        owner = None if Role.ADMIN in caller.roles else caller.name
        return wire.ABORTED.message(self._requests.abort(request.request_id, owner))

    @needs(Role.INFER, Role.WRITE, Role.OBSERVE, Role.ADMIN)
    async def GetUsage(self, request: pb.GetUsageRequest, context: Context) -> pb.GetUsageResponse:
        """Return what callers used; those who may not see others' are told of themselves."""
        violations = Violations()
        wanted = wire.USAGE_REQUEST.read(request, blame=violations.blame)
        days, caller, asking = 1 if wanted.days is None else wanted.days, wanted.caller, principal.get()
        if not 1 <= days <= MOST_DAYS:
            violations.blame("days", f"must be between 1 and {MOST_DAYS}, got {days}")
        violations.refuse()
        if asking.roles.isdisjoint({Role.OBSERVE, Role.ADMIN}):
            if caller not in {None, asking.name}:
                raise PermissionDenied("the usage of others needs the role observe or admin")
            caller = asking.name
        return wire.USAGE.message(await self._metering.usage(days, caller))


def _note(**facts: str) -> None:
    """Have the line of the call in the log tell what it is about."""
    calls.current.get().facts.update({name: value[:MOST_NOTED] for name, value in facts.items()})
