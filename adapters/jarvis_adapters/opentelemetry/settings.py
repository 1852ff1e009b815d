"""The settings of OpenTelemetry."""

from importlib.util import find_spec
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from jarvis_plugins import AdapterSettings
from jarvis_ports.extras import how_to_install

NEEDED = ("opentelemetry", "opentelemetry.exporter", "opentelemetry.exporter.prometheus")


class OpenTelemetrySettings(AdapterSettings):
    """Settings of the `opentelemetry` adapter.

    What is not here of OTLP (headers, certificates, timeouts, compression) is taken from the standard
    OTEL_EXPORTER_OTLP_* variables of the environment, and further resource attributes from
    OTEL_RESOURCE_ATTRIBUTES.
    """

    service_name: str = Field(
        "jarvis", min_length=1, description="The resource attribute service.name of what is sent by OTLP."
    )
    prometheus: bool = Field(default=True, description="Whether there are metrics to be scraped.")
    otlp_endpoint: str = Field(
        "",
        description="Where traces and metrics are sent by OTLP over gRPC, such as http://127.0.0.1:4317; "
        "https:// for TLS; nowhere when empty.",
    )
    otlp_metrics: bool = Field(
        default=True, description="Whether metrics are sent there as well, not only traces."
    )
    export_seconds: float = Field(60, gt=0, description="The time between two exports of metrics by OTLP.")
    sampling: float = Field(
        1.0,
        ge=0,
        le=1,
        description="The share of traces that is sent, of those about which no caller has decided.",
    )

    @classmethod
    def missing(cls) -> str:
        """See `AdapterSettings.missing`."""
        if all(find_spec(name) for name in NEEDED):
            return ""
        return f"OpenTelemetry is not installed: {how_to_install('opentelemetry')}"

    @field_validator("otlp_endpoint")
    @classmethod
    def _is_an_endpoint(cls, endpoint: str) -> str:
        if not endpoint:
            return endpoint
        parts = urlsplit(endpoint)
        bare = f"{parts.scheme}://{parts.netloc}" == endpoint.removesuffix("/") and "@" not in endpoint
        if parts.scheme not in {"http", "https"} or not bare or not (parts.hostname and parts.port):
            msg = f"must be http://HOST:PORT, or https://HOST:PORT for TLS, not {endpoint!r}"
            raise ValueError(msg)
        return endpoint
