"""The standard health service."""

from enum import StrEnum


class HealthStatus(StrEnum):
    """The answers of `grpc.health.v1`."""

    UNKNOWN = "UNKNOWN"
    SERVING = "SERVING"
    NOT_SERVING = "NOT_SERVING"
    SERVICE_UNKNOWN = "SERVICE_UNKNOWN"
