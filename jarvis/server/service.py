"""The servicer of ServerService."""

from typing import Any

import grpc

from jarvis.core.components import Components
from jarvis.core.gpus import GpuReader
from jarvis.core.instruments import Instruments
from jarvis.core.model import Model
from jarvis.core.requests import Requests
from jarvis.core.routing import Routes
from jarvis.core.status import Status
from jarvis.server.status_convert import STATES, status_response
from jarvis.v1 import server_pb2 as pb
from jarvis.v1 import server_pb2_grpc
from jarvis_plugins.loader import Adapters, PluginState

Context = grpc.aio.ServicerContext[Any, Any]

PLUGIN_STATES = {
    PluginState.AVAILABLE: pb.ADAPTER_STATE_AVAILABLE,
    PluginState.FAILED: pb.ADAPTER_STATE_FAILED,
    PluginState.BLOCKED: pb.ADAPTER_STATE_BLOCKED,
    PluginState.INCOMPATIBLE: pb.ADAPTER_STATE_INCOMPATIBLE,
}


class ServerServicer(server_pb2_grpc.ServerServiceServicer):
    """Speaks the contract for the state of the server.

    Args:
        status: the state of the whole.
        components: what is opened.
        routes: the models among them, and the routes over these.
        requests: those that run.
        adapters: those that are installed.
        instruments: know what was done of late, and what is left of the error budgets.
        gpus: those of this machine.
    """

    def __init__(  # noqa: PLR0913 - all that it answers from
        self,
        status: Status,
        *,
        components: Components,
        routes: Routes,
        requests: Requests,
        adapters: Adapters,
        instruments: Instruments,
        gpus: GpuReader,
    ) -> None:
        self._status = status
        self._components = components
        self._routes = routes
        self._requests = requests
        self._adapters = adapters
        self._instruments = instruments
        self._gpus = gpus

    async def GetStatus(self, request: pb.GetStatusRequest, context: Context) -> pb.GetStatusResponse:
        """Return the state of the server and of all that it is made of, and how it fares."""
        return status_response(
            self._status,
            components=self._components,
            routes=self._routes,
            active_requests=self._requests.active,
            instruments=self._instruments,
            gpus=await self._gpus.read_in_thread(),
        )

    async def ListModels(self, request: pb.ListModelsRequest, context: Context) -> pb.ListModelsResponse:
        """Return the configured models, and the routes over them."""
        routes = self._routes
        return pb.ListModelsResponse(
            models=[self._model(model) for model in routes.models],
            routes=[
                pb.Route(
                    name=route.name,
                    is_default=route.name == routes.default,
                    models=[model.name for model in route.models],
                    fallback=route.fallback,
                )
                for route in routes.routes
            ],
        )

    def _model(self, model: Model) -> pb.Model:
        capabilities, terms = model.capabilities, model.terms
        return pb.Model(
            name=model.name,
            is_default=model in self._routes.get("").order(None),
            adapter=model.adapter,
            state=STATES[model.state],
            context_length=capabilities.context_length if capabilities else None,
            supported_fields=sorted(capabilities.fields) if capabilities else (),
            min_difficulty=terms.difficulties.start,
            max_difficulty=terms.difficulties.stop - 1,
            priority=terms.priority,
            max_requests=terms.max_requests,
        )

    async def ListAdapters(
        self, request: pb.ListAdaptersRequest, context: Context
    ) -> pb.ListAdaptersResponse:
        """Return the installed adapters, and the plugins that did not load."""
        adapters = self._adapters
        available = [
            pb.Adapter(
                port=adapter.port,
                name=adapter.name,
                distribution=adapter.origin.distribution,
                version=adapter.origin.version,
                state=pb.ADAPTER_STATE_AVAILABLE,
            )
            for _, adapter in sorted(adapters.loaded.items())
        ]
        unloaded = [
            pb.Adapter(
                name=plugin.origin.plugin,
                distribution=plugin.origin.distribution,
                version=plugin.origin.version,
                state=PLUGIN_STATES[plugin.state],
                message=plugin.message,
            )
            for plugin in adapters.unloaded
        ]
        return pb.ListAdaptersResponse(adapters=available + unloaded)

    async def Abort(self, request: pb.AbortRequest, context: Context) -> pb.AbortResponse:
        """End a running request."""
        return pb.AbortResponse(aborted=self._requests.abort(request.request_id))
