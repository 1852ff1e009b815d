"""What the server is set to, whatever the configuration looks like."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ServerSettings:
    """Addresses, limits and times.

    Attributes:
        listen: where gRPC listens: host:port, or unix:/path.
        http_listen: where the HTTP side port listens; "" is nowhere.
        max_message_bytes: the largest message, either way.
        drain_delay_seconds: how long new calls are still taken once it is to stop.
        drain_timeout_seconds: how long running calls may then take.
        log_text: whether prompts and answers are logged.
    """

    listen: tuple[str, ...]
    http_listen: str
    max_message_bytes: int
    drain_delay_seconds: float
    drain_timeout_seconds: float
    log_text: bool
