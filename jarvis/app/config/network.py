"""The tables of the configuration that say where the server listens, and who may call."""

from typing import Self

from pydantic import Field, field_validator, model_validator

from jarvis.address import check, check_host_and_port, is_local, same
from jarvis.app.config.section import Section


class TLSConfig(Section):
    """The PEM files with which host:port addresses are encrypted, and callers known."""

    certificate: str = Field("", description="The server's certificate, in PEM; no TLS when empty.")
    key: str = Field("", description="The private key of the certificate, in PEM, without a passphrase.")
    client_ca: str = Field(
        "",
        description="The authorities of callers' certificates, in PEM; where it is set, "
        "every caller over gRPC must show a certificate.",
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if bool(self.certificate) != bool(self.key):
            msg = "certificate and key go together"
            raise ValueError(msg)
        if self.client_ca and not self.certificate:
            msg = "client_ca needs certificate and key"
            raise ValueError(msg)
        return self


class ServerConfig(Section):
    """Where and how the server answers."""

    listen: list[str] = Field(
        ["127.0.0.1:50051"],
        min_length=1,
        description="Addresses: host:port (port 0: any free one), [ipv6]:port, or unix:/path/to/socket.",
    )
    max_message_bytes: int = Field(
        4 * 2**20, ge=1024, le=2**30, description="The largest message taken or sent, in bytes."
    )
    resume_seconds: float = Field(
        30.0,
        ge=0,
        description="How long a resumable stream whose connection broke goes on, and an answer with an "
        "idempotency key is kept; 0: not at all.",
    )
    slow_reader_seconds: float = Field(
        60.0,
        gt=0,
        description="How long a caller may take nothing of its answer before that is ended, as SLOW_READER.",
    )
    drain_delay_seconds: float = Field(
        2.0,
        ge=0,
        description="After SIGTERM, how long new calls are still taken while probes see NOT_SERVING.",
    )
    drain_timeout_seconds: float = Field(
        30.0, ge=0, description="After that, how long running calls may take to finish."
    )
    weights_folders: list[str] = Field(
        [],
        description="The folders that weights of models with the adapter lora may be in; links that lead out "
        "of them are refused. None when empty.",
    )
    tls: TLSConfig = TLSConfig()
    open_to_anyone: bool = Field(
        default=False,
        description="Listen where other machines can call, although there is no TLS, or no caller is known.",
    )

    @field_validator("listen")
    @classmethod
    def _addresses(cls, listen: list[str]) -> list[str]:
        for address in listen:
            check(address)
            if same(address, listen) > 1:
                msg = f"{address!r} is named twice; leave one of them out"
                raise ValueError(msg)
        return listen


class HTTPConfig(Section):
    """The small HTTP server beside the gRPC one: /metrics, /health, /ready."""

    listen: str = Field(
        "127.0.0.1:8081",
        description="Where probes and metrics are: host:port (port 0: any free one); empty for nowhere.",
    )

    @field_validator("listen")
    @classmethod
    def _address(cls, listen: str) -> str:
        if listen:
            check_host_and_port(listen)
        return listen


def check_exposure(server: ServerConfig, http: HTTPConfig, *, knows_callers: bool) -> None:
    """Check that no address is open to those who read along, or to callers that nobody knows.

    Raises:
        ValueError: one is, and `open_to_anyone` is not set.
    """
    if server.open_to_anyone or (server.tls.certificate and knows_callers):
        return
    missing = [] if server.tls.certificate else ["certificate and key of server.tls"]
    if not knows_callers:
        missing.append("server.tls.client_ca, auth.keys or auth.jwt")
    for key, addresses in (("server.listen", server.listen), ("http.listen", [http.listen])):
        for address in addresses:
            if address and not is_local(address):
                msg = (
                    f"{key}: other machines can call {address}; set {', and '.join(missing)}; "
                    "or server.open_to_anyone = true"
                )
                raise ValueError(msg)
