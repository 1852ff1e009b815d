"""The connection to a server."""

from dataclasses import dataclass
from pathlib import Path

import grpc

from jarvis.address import check

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
            OSError: a file cannot be read.
        """
        files = (self.ca, self.key, self.certificate)
        return grpc.ssl_channel_credentials(*(Path(path).read_bytes() if path else None for path in files))


def open_channel(address: str, tls: TLS | None) -> grpc.aio.Channel:
    """Open a channel; it connects on the first call.

    Raises:
        ValueError: the address is neither host:port nor unix:/path.
        OSError: a TLS file cannot be read.
    """
    check(address)
    if tls:
        return grpc.aio.secure_channel(address, tls.credentials(), options=OPTIONS)
    return grpc.aio.insecure_channel(address, options=OPTIONS)
