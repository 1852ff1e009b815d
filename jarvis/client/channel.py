"""The connection to a server."""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from functools import partialmethod
from pathlib import Path
from typing import Any, cast
from weakref import WeakSet

import grpc

from jarvis.address import check
from jarvis.pem import load_authorities, load_certificate
from jarvis.watched import Watched

OPTIONS = (
    # The server bounds what it sends; gRPC's default of 4 MiB would fail long answers with log probabilities.
    ("grpc.max_receive_message_length", -1),
    # A dead peer is noticed during the wait for an answer, however long. Jarvis allows a ping every 5 s.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.max_pings_without_data", 0),
    # A restarted server is found again within seconds; gRPC's default bound is two minutes.
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 5_000),
)

OLD_CALLS_SECONDS = 86_400.0
"""Seconds that calls may go on over a connection whose TLS files have changed."""


@dataclass(frozen=True)
class TLS:
    """The PEM files that are used to encrypt.

    Attributes:
        ca: the authorities that may sign the server's certificate; None for the public ones.
        certificate: this client's own certificate, if the server asks for one.
        key: the private key of `certificate`.
    """

    ca: Path | str | None = None
    certificate: Path | str | None = None
    key: Path | str | None = None

    def credentials(self) -> grpc.ChannelCredentials:
        """Read the files, and return the credentials.

        Raises:
            OSError: a file cannot be read or used, or the certificate and the key do not fit together.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if self.certificate:
            load_certificate(context, self.certificate, self.key)
        if self.ca:
            load_authorities(context, self.ca)
        files = (self.ca, self.key, self.certificate)
        return grpc.ssl_channel_credentials(*(Path(path).read_bytes() if path else None for path in files))


def open_channel(address: str, tls: TLS | None) -> grpc.aio.Channel:
    """Open a channel; it connects on the first call, and again when TLS files have changed.

    Raises:
        ValueError: the address is neither host:port nor unix:/path.
        OSError: a TLS file cannot be read or used.
    """
    check(address)
    if tls:
        return cast("grpc.aio.Channel", _Encrypted(address, tls))
    return grpc.aio.insecure_channel(address, options=OPTIONS)


class _Encrypted:
    """What stubs and calls need of a channel. Calls that run stay with the files that they began with."""

    def __init__(self, address: str, tls: TLS) -> None:
        self._address = address
        paths = [Path(path) for path in (tls.ca, tls.certificate, tls.key) if path]
        self._credentials = Watched(paths, tls.credentials)
        self._used = self._credentials.current()
        self._channel = self._open()
        self._closing: set[asyncio.Task[None]] = set()
        self._calls: WeakSet[grpc.aio.Call] = WeakSet()

    def _open(self) -> grpc.aio.Channel:
        return grpc.aio.secure_channel(self._address, self._used, options=OPTIONS)

    def _current(self) -> grpc.aio.Channel:
        if (credentials := self._credentials.current()) is not self._used:
            old = asyncio.create_task(self._channel.close(grace=OLD_CALLS_SECONDS))
            self._closing.add(old)
            old.add_done_callback(self._closing.discard)
            self._used = credentials
            self._channel = self._open()
        return self._channel

    def _method(self, kind: str, *described: Any, **further: Any) -> Callable[..., Any]:  # noqa: ANN401
        def call(*given: Any, **options: Any) -> Any:  # noqa: ANN401
            made = getattr(self._current(), kind)(*described, **further)(*given, **options)
            self._calls.add(made)
            return made

        return call

    unary_unary = partialmethod(_method, "unary_unary")
    unary_stream = partialmethod(_method, "unary_stream")
    stream_stream = partialmethod(_method, "stream_stream")

    def get_state(self) -> grpc.ChannelConnectivity:
        return self._channel.get_state()

    async def close(self) -> None:
        for call in list(self._calls):  # also those of channels that are closing
            call.cancel()
        for old in self._closing:
            old.cancel()
        await self._channel.close()
