"""Names metrics as Prometheus does."""

from jarvis_ports.telemetry import Metric, MetricKind

_UNITS = {"s": "_seconds", "By": "_bytes"}


def prometheus_name(metric: Metric) -> str:
    """Return a metric's name as OpenTelemetry exports it: with its unit, and `_total` for counters.

    https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/
    """
    total = "_total" if metric.kind is MetricKind.COUNTER else ""
    return metric.name.replace(".", "_") + _UNITS.get(metric.unit, "") + total
