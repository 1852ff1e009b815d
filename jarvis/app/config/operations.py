"""The operator's tables of the configuration: bounds, logs and objectives."""

from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from jarvis.app.config.section import Section
from jarvis.core.telemetry.metrics import QUERY_LATENCY, TIME_TO_FIRST_TOKEN
from jarvis_ports.telemetry import Metric

BadCode = Literal[
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
]
"""The gRPC status codes other than OK: https://grpc.io/docs/guides/status-codes/."""


def _bound_of(metric: Metric) -> Callable[[float], float]:
    """Return a check that a threshold bounds a bucket: Prometheus only knows how many values a bucket has."""

    def checked(seconds: float) -> float:
        if seconds not in metric.buckets:
            msg = f"must be a bound of a bucket of {metric.name}: {', '.join(map(str, metric.buckets))}"
            raise ValueError(msg)
        return seconds

    return checked


class AdmissionConfig(Section):
    """What all models together take on; each model and each caller has bounds of its own."""

    max_requests: int | None = Field(
        2000, ge=1, description="The most requests that run or wait; others are refused as OVERLOADED."
    )
    max_queued_tokens: int | None = Field(
        None, ge=1, description="The most tokens, about, of the prompts that wait."
    )


class ImagesConfig(Section):
    """What images of requests may be, for models that take them."""

    max_images: int = Field(8, ge=0, description="The most images of a request.")
    max_bytes: int = Field(
        3 * 2**20,
        ge=1,
        description="The largest image, in bytes. The whole request is within server.max_message_bytes.",
    )
    max_pixels: int = Field(
        2**24,
        ge=1,
        description="The most pixels of all images of a request together. Decoded, each takes 3 bytes.",
    )


class LogConfig(Section):
    """What is logged, and where to."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least severe records that are written: debug, info, warning or error."
    )
    format: Literal["auto", "console", "json"] = Field(
        "auto", description="console, for people; json, a line each; auto: console on a terminal, else json."
    )
    file: str = Field("", description="A file to write to; standard error when empty.")
    max_file_bytes: int = Field(
        100 * 2**20, ge=0, description="At this size the file is renamed and a new one begun; 0: never."
    )
    backup_files: int = Field(5, ge=1, description="How many renamed files are kept.")
    queue_size: int = Field(
        10_000,
        ge=1,
        description="How many records may wait to be written; more are dropped and counted, but not errors.",
    )
    text: bool = Field(
        default=False, description="Whether prompts and answers are logged; they may be private."
    )


class AvailabilityConfig(Section):
    """How many calls work."""

    objective: float = Field(
        0.995, gt=0, lt=1, description="The share of calls that do not end with one of bad_codes."
    )


class LatencyConfig(Section):
    """How long an answer takes."""

    objective: float = Field(
        0.95, gt=0, lt=1, description="The share of answers that are whole within the threshold."
    )
    threshold_seconds: Annotated[float, AfterValidator(_bound_of(QUERY_LATENCY))] = Field(
        10.0,
        description="The most time from a request to the answer's end; a bound of a bucket of the metric.",
    )


class TimeToFirstTokenConfig(Section):
    """How long a caller waits for an answer to begin."""

    objective: float = Field(
        0.95, gt=0, lt=1, description="The share of answers that begin within the threshold."
    )
    threshold_seconds: Annotated[float, AfterValidator(_bound_of(TIME_TO_FIRST_TOKEN))] = Field(
        1.0, description="The most time from a request to its first token; a bound of a bucket of the metric."
    )


class SLOConfig(Section):
    """The service-level objectives: what is promised to callers."""

    window_days: int = Field(
        30,
        ge=7,
        le=90,
        description="The days over which objectives are measured; the slowest alert looks back 3 days.",
    )
    bad_codes: list[BadCode] = Field(
        ["UNKNOWN", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"],
        min_length=1,
        description="The gRPC status codes that count as the server's failure.",
    )
    availability: AvailabilityConfig = AvailabilityConfig()
    latency: LatencyConfig = LatencyConfig()
    time_to_first_token: TimeToFirstTokenConfig = TimeToFirstTokenConfig()
