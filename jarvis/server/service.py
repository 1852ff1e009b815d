"""The servicer of ServerService."""

from typing import Any

import grpc

from jarvis.core.status import Status
from jarvis.server.status import model_list, server_status
from jarvis.v1 import server_pb2_grpc
from jarvis.wire import server as wire
from jarvis.wire.messages import server_pb2 as pb

Context = grpc.aio.ServicerContext[Any, Any]


class ServerServicer(server_pb2_grpc.ServerServiceServicer):
    """Speaks the contract for the state of the server."""

    def __init__(self, status: Status) -> None:
        self._status = status

    async def GetStatus(self, request: pb.GetStatusRequest, context: Context) -> pb.GetStatusResponse:
        """Tell the state of the server and of all that it is made of, and how it fares."""
        return wire.STATUS.message(server_status(self._status, await self._status.read_gpus()))

    async def ListModels(self, request: pb.ListModelsRequest, context: Context) -> pb.ListModelsResponse:
        """List the configured models, and the routes over them."""
        return wire.MODEL_LIST.message(model_list(self._status))

    async def ListAdapters(
        self, request: pb.ListAdaptersRequest, context: Context
    ) -> pb.ListAdaptersResponse:
        """List the installed adapters, and the plugins that did not load."""
        return wire.ADAPTERS.message(self._status.adapters.listed())

    async def Abort(self, request: pb.AbortRequest, context: Context) -> pb.AbortResponse:
        """End a running request."""
        return wire.ABORTED.message(self._status.requests.abort(request.request_id))
