"""Lets callers in whose roles allow what they call."""

from collections.abc import AsyncIterator, Mapping
from inspect import isasyncgenfunction
from ssl import SSLObject
from typing import Any

import grpc

from jarvis.access.authenticator import Authenticator, Shown, check
from jarvis.core.principal import ANYONE, Principal, Role
from jarvis.server.caller import Caller
from jarvis.server.errors import refuse
from jarvis_ports.errors import JarvisError

Context = grpc.aio.ServicerContext[Any, Any]
KINDS = ("unary_unary", "unary_stream", "stream_unary", "stream_stream")
"""The attributes of a handler, of which one holds what answers."""


class Gate:
    """Finds who calls, and refuses those who may not.

    Args:
        authenticator: knows callers; None if everybody may call.
        roles: the roles that allow each method of the contract, by its full name.
    """

    def __init__(self, authenticator: Authenticator | None, roles: Mapping[str, tuple[Role, ...]]) -> None:
        self._authenticator = authenticator
        self.roles = roles

    async def identify(self, method: str, context: Context) -> Principal:
        """Return who calls a method.

        Args:
            method: the full name of the method, without a leading slash.
            context: gRPC's context of the call.

        Raises:
            Unauthenticated, IssuerUnavailable: see `Authenticator.identify`.
        """
        if self._authenticator is None or (
            self._authenticator.open_health and method.startswith("grpc.health.")
        ):
            return ANYONE
        return await self._authenticator.identify(_shown(context))

    def check(self, method: str, principal: Principal) -> None:
        """Check that a caller may call a method of the contract.

        Raises:
            PermissionDenied: it has none of the roles that allow it.
        """
        check(principal, *self.roles[method])


def behind(
    gate: Gate,
    handler: Any,  # noqa: ANN401 - grpc's own types are private
    method: str,
    max_message_bytes: int,
) -> Any:  # noqa: ANN401
    """Return a handler of a method that is not Jarvis's own, with the gate before it.

    It refuses messages that are broken, too large, or not there, as those of Jarvis do. gRPC would log the
    first as failures of the server, and never answer the last.
    """
    behaviour = next(found for kind in KINDS if (found := getattr(handler, kind)))

    async def wrapped(raw: AsyncIterator[bytes], context: Context) -> None:
        caller = Caller(context, handler.request_deserializer, handler.response_serializer, max_message_bytes)
        try:
            await gate.identify(method, context)
            request = caller.each(raw) if handler.request_streaming else await caller.only(raw)
            if isasyncgenfunction(behaviour):
                async for message in behaviour(request, caller):
                    await caller.write(message)
            elif handler.response_streaming:
                await behaviour(request, caller)
            else:
                await caller.write(await behaviour(request, caller))
        except JarvisError as error:
            await refuse(context, error)

    return grpc.stream_stream_rpc_method_handler(wrapped)


def _shown(context: Context) -> Shown:
    headers = [value for key, value in context.invocation_metadata() or () if key == "authorization"]
    known = context.auth_context()
    uris = [uri.decode("utf-8", "replace") for uri in known.get("peer_uri", ())]
    names = [name.decode("utf-8", "replace") for name in known.get("x509_common_name", ())]
    return Shown(
        authorization=", ".join(map(str, headers)),  # of which two are none
        certificate=name_in_certificate(uris, names),
        local=context.peer().startswith("unix:"),
    )


def name_in_certificate(uris: list[str], common_names: list[str]) -> str:
    """Return the name of a caller: the one URI of its certificate, as SPIFFE has them, or its common name.

    A common name that looks like a URI is none.
    """
    if len(uris) == 1:
        return uris[0]
    return common_names[0] if common_names and "://" not in common_names[0] else ""


def name_in_connection(connection: SSLObject | None) -> str:
    """Return the name in the certificate that was shown for a TLS connection; "" if there was none."""
    found: Any = connection.getpeercert() if connection else None
    if not found:
        return ""
    uris = [value for kind, value in found.get("subjectAltName", ()) if kind == "URI"]
    names = [value for part in found.get("subject", ()) for kind, value in part if kind == "commonName"]
    return name_in_certificate(uris, names)
