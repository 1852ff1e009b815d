"""The server's settings, independent of the form of the configuration."""

from dataclasses import dataclass

from jarvis.access.settings import AccessSettings
from jarvis.server.tls import TLSFiles


@dataclass(frozen=True)
class ServerSettings:
    """Addresses, limits and times.

    Attributes:
        listen: where gRPC listens: host:port, or unix:/path.
        http_listen: where the HTTP side port listens; "" for none.
        max_message_bytes: the largest message, in either direction.
        resume_seconds: how long streams are kept that can be taken up again; 0 for none.
        slow_reader_seconds: how long a caller may take nothing of its answer.
        drain_delay_seconds: how long new calls are still accepted once the server is told to stop.
        drain_timeout_seconds: how long running calls then have to finish.
        log_text: whether prompts and answers are logged.
        tls: what encrypts host:port addresses, that of HTTP included; None for nothing.
        access: how callers are known; None if they need not be.
    """

    listen: tuple[str, ...]
    http_listen: str
    max_message_bytes: int
    resume_seconds: float
    slow_reader_seconds: float
    drain_delay_seconds: float
    drain_timeout_seconds: float
    log_text: bool
    tls: TLSFiles | None
    access: AccessSettings | None
