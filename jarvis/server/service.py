"""The servicer of ServerService."""

from typing import Any

import grpc

import jarvis
from jarvis.core.component import Component, State
from jarvis.core.model import Model
from jarvis.core.status import Status
from jarvis.v1 import server_pb2 as pb
from jarvis.v1 import server_pb2_grpc
from jarvis_plugins.loader import PluginState
from jarvis_plugins.registry import PortName

Context = grpc.aio.ServicerContext[Any, Any]

STATES = {
    State.LOADING: pb.STATE_LOADING,
    State.READY: pb.STATE_READY,
    State.FAILED: pb.STATE_FAILED,
    State.DRAINING: pb.STATE_DRAINING,
}
PLUGIN_STATES = {
    PluginState.AVAILABLE: pb.ADAPTER_STATE_AVAILABLE,
    PluginState.FAILED: pb.ADAPTER_STATE_FAILED,
    PluginState.BLOCKED: pb.ADAPTER_STATE_BLOCKED,
    PluginState.INCOMPATIBLE: pb.ADAPTER_STATE_INCOMPATIBLE,
}


class ServerServicer(server_pb2_grpc.ServerServiceServicer):
    """Speaks the contract for the state of the server."""

    def __init__(self, status: Status) -> None:
        self._status = status

    async def GetStatus(self, request: pb.GetStatusRequest, context: Context) -> pb.GetStatusResponse:
        """Tell the state of the server, of each model, and of what stands beside them."""
        return pb.GetStatusResponse(
            version=jarvis.__version__,
            state=STATES[self._status.state],
            uptime_seconds=self._status.uptime,
            active_requests=self._status.requests.active,
            models=[self._model_status(model) for model in self._status.routes.models],
            components=[_component(component) for component in self._status.components.beside_models],
        )

    def _model_status(self, model: Model) -> pb.ModelStatus:
        capabilities = self._status.capabilities(model)
        return pb.ModelStatus(
            name=model.name,
            adapter=model.adapter,
            state=STATES[model.state],
            message=model.message,
            active_requests=model.active,
            restarts=model.restarts,
            notes=capabilities.notes if capabilities else (),
            settings=capabilities.settings if capabilities else {},
            circuit_open=model.breaker.open,
        )

    async def ListModels(self, request: pb.ListModelsRequest, context: Context) -> pb.ListModelsResponse:
        """List the configured models, and the routes over them."""
        routes = self._status.routes
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
        capabilities, terms = self._status.capabilities(model), model.terms
        return pb.Model(
            name=model.name,
            is_default=model in self._status.routes.get("").order(None),
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
        """List the installed adapters, and the plugins that did not load."""
        adapters = self._status.adapters
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
        return pb.AbortResponse(aborted=self._status.requests.abort(request.request_id))


def _component(component: Component[Any]) -> pb.ComponentStatus:
    info = component.loaded.info() if component.kind == PortName.EMBEDDER and component.loaded else None
    return pb.ComponentStatus(
        port=component.kind,
        name=component.name,
        adapter=component.adapter,
        state=STATES[component.state],
        message=component.message,
        restarts=component.restarts,
        notes=info.notes if info else (),
        settings=info.settings if info else {},
    )
