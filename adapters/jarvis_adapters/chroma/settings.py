"""The settings of Chroma."""

from importlib.util import find_spec
from pathlib import Path

from pydantic import Field, SecretStr, field_validator, model_validator

from jarvis_plugins import AdapterSettings
from jarvis_ports.extras import how_to_install
from jarvis_toolkit.folders import data_folder


class ChromaSettings(AdapterSettings):
    """Settings of the `chroma` adapter: embedded unless there is a `host`."""

    path: str = Field("", description="The folder of the embedded store; Jarvis's data folder if empty.")
    in_memory_below: int = Field(
        1_000_000,
        ge=0,
        description="Up to so many rows, a collection of the embedded store is kept in memory as well, and "
        "searched there; 0 turns that off.",
    )
    hang_seconds: float = Field(
        120.0,
        ge=1,
        description="How long the process of the embedded store may take for one call; one that takes longer "
        "is killed, and the next call starts another.",
    )
    host: str = Field("", description="A Chroma server to use instead of the embedded store.")
    port: int = Field(8000, ge=1, le=65535, description="The port of that server.")
    ssl: bool = Field(default=False, description="Whether that server speaks TLS.")
    headers: dict[str, SecretStr] = Field({}, description="Headers of every request to that server.")

    @classmethod
    def missing(cls) -> str:
        """See `AdapterSettings.missing`."""
        for name in ("chromadb", "faiss"):
            if find_spec(name) is None:
                return f"{name} is not installed: {how_to_install('chroma')}"
        return ""

    @field_validator("host")
    @classmethod
    def _is_a_host_alone(cls, host: str) -> str:
        port = ":" in host and not (host.startswith("[") and host.endswith("]"))
        if port or set(host) & set("/@?#") or host.split() not in ([], [host]):
            msg = "must be a host's name or [ipv6] alone; its port goes into port, and https:// is ssl = true"
            raise ValueError(msg)
        return host

    @model_validator(mode="after")
    def _embedded_or_server(self) -> "ChromaSettings":
        given = self.model_fields_set
        if self.host and (wrong := given & {"path", "in_memory_below", "hang_seconds"}):
            msg = f"{', '.join(sorted(wrong))}: is for the embedded store; leave it out, or leave out host"
            raise ValueError(msg)
        if not self.host and (wrong := given & {"port", "ssl", "headers"}):
            msg = f"{', '.join(sorted(wrong))}: is for a server; set host as well"
            raise ValueError(msg)
        return self

    def kept_in(self) -> Path | None:
        """Return the folder of the embedded store; what a server keeps is not Jarvis's."""
        return None if self.host else Path(self.path or data_folder("chroma")).absolute()
