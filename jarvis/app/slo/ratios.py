"""The share of bad events of each objective, in PromQL.

Each is an increase divided by an increase: a mean of ratios would weigh an hour with one call as much as
one with a thousand. Without an event there is no ratio.
"""

from collections.abc import Collection

from jarvis.app.slo.names import prometheus_name
from jarvis.app.slo.objectives import SERVICES
from jarvis.core.telemetry.figures import Objective
from jarvis.core.telemetry.objectives import AVAILABILITY, MEASURED_BY
from jarvis_ports.errors import LimitExceeded


def bad_ratio(objective: Objective, bad_codes: Collection[str], window: str) -> str:
    """Return the query for the share of an objective's events that were bad.

    Args:
        objective: what is promised.
        bad_codes: the status codes that count as the server's failure, unless the caller is over a limit of
            its own.
        window: a Prometheus duration, such as `5m`.
    """
    name = prometheus_name(MEASURED_BY[objective.name])
    if objective.name != AVAILABILITY:
        within = _increase(f"{name}_bucket", _le(objective.threshold_seconds), window)
        return f"1 - {within}\n  / ({_increase(f'{name}_count', '', window)} > 0)"
    promised = f'rpc_method=~"jarvis[.]v1[.]({"|".join(SERVICES)})/.*"'
    bad = f"{promised}, {failed(bad_codes)}"
    return (
        f"({_increase(f'{name}_count', bad, window)} or vector(0))\n"
        f"  / ({_increase(f'{name}_count', promised, window)} > 0)"
    )


def failed(bad_codes: Collection[str]) -> str:
    """Return the matchers of calls that count as the server's failure, by these status codes."""
    return f'rpc_status_code=~"{"|".join(bad_codes)}", error_type!="{LimitExceeded.reason}"'


def _increase(series: str, labels: str, window: str) -> str:
    return f"sum(increase({series}{{{labels}}}[{window}]))"


def _le(threshold: float | None) -> str:
    """Return the matcher of a bucket, whose label is 1 or 1.0 depending on the version of Prometheus."""
    whole = f"{threshold:g}".replace(".", "[.]")
    return f'le=~"{whole}([.]0)?"'
