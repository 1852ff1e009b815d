"""Alerts on the burn rate of an error budget: multi-window, multi-burn-rate.

As in chapter 5 of The Site Reliability Workbook (https://sre.google/workbook/alerting-on-slos/), an alert
fires when a given share of the budget would be spent in its long window. A burn rate of 1 spends the budget
in exactly the window of the objective; spending 2 % in an hour is a rate of 14.4 if that window is 30 days.
The short window, a twelfth of the long one, ends the alert soon after its cause.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from jarvis.app.slo.names import prometheus_name
from jarvis.core.telemetry.figures import Objective
from jarvis.core.telemetry.metrics import (
    QUEUE_DEPTH,
    QUEUE_WAIT,
    RPC_DURATION,
    TIME_PER_OUTPUT_TOKEN,
    TOKEN_USAGE,
)

Rule = dict[str, Any]
"""A rule, as Prometheus reads it."""

HOUR_SECONDS = 3600
BURN_RATE = "jarvis:slo_burn_rate:"
"""The prefix of the series that record the burn rate; the window follows."""


@dataclass(frozen=True)
class Windows:
    """The windows of an alert, which fires when `share` of the budget would be spent in the long one."""

    severity: str
    short: str
    long: str
    long_hours: int
    share: float

    def factor(self, objective: Objective) -> float:
        """Return the burn rate above which the alert fires; it is never below 1, which keeps the promise."""
        return max(1.0, self.share * objective.window_seconds / (self.long_hours * HOUR_SECONDS))

    def can_fire(self, objective: Objective) -> bool:
        """Return whether that rate can be exceeded at all: it is highest if every event is bad."""
        return self.factor(objective) * (1 - objective.objective) < 1


ALERTS = (
    Windows("page", "5m", "1h", 1, 0.02),
    Windows("page", "30m", "6h", 6, 0.05),
    Windows("ticket", "2h", "1d", 24, 0.10),
    Windows("ticket", "6h", "3d", 72, 0.10),
)

NAMES = {
    "availability": "JarvisAvailabilityBudgetBurn",
    "latency": "JarvisLatencyBudgetBurn",
    "time_to_first_token": "JarvisTimeToFirstTokenBudgetBurn",
}
SUMMARIES = {
    "availability": "Callers' calls fail",
    "latency": "Answers take too long",
    "time_to_first_token": "Answers begin too late",
}
_WAITING = f"requests wait ({prometheus_name(QUEUE_DEPTH)}, {prometheus_name(QUEUE_WAIT)})"
_CAPACITY = "Waiting: add a replica, or refuse more with max_requests."
ADVICE = {
    "availability": "Look which methods and codes fail: sum by (rpc_method, rpc_status_code) "
    f"(rate({prometheus_name(RPC_DURATION)}_count[5m])); then at `jarvis status`, and at the log of those "
    "requests. UNAVAILABLE: an engine or a store is down or loading. RESOURCE_EXHAUSTED: more is asked than "
    "it can take; add a replica, or a model to the route. INTERNAL: a defect; undo the last change.",
    "latency": f"Look whether {_WAITING}, or tokens come slowly ({prometheus_name(TIME_PER_OUTPUT_TOKEN)}). "
    f"{_CAPACITY} Slow tokens: look what else uses the GPU or the CPUs. Neither: answers became longer; "
    "lower max_tokens, or promise another threshold.",
    "time_to_first_token": f"Look whether {_WAITING}, or prompts became longer "
    f"({prometheus_name(TOKEN_USAGE)}, of type input). {_CAPACITY} Long prompts: shorten templates, or lower "
    "retrieval.max_context_tokens.",
}


def burn_alerts(objective: Objective) -> Iterator[Rule]:
    """Yield the alerts of an objective that can fire."""
    for windows in ALERTS:
        if windows.can_fire(objective):
            yield _alert(objective, windows)


def _alert(objective: Objective, windows: Windows) -> Rule:
    factor = f"{windows.factor(objective):.6g}"
    over = [
        f'{BURN_RATE}{window}{{slo="{objective.name}"}} > {factor}'
        for window in (windows.long, windows.short)
    ]
    days = f"{objective.window_seconds / HOUR_SECONDS / 24:g} days"
    return {
        "alert": NAMES[objective.name],
        "expr": "\nand ".join(over),
        "labels": {"severity": windows.severity, "slo": objective.name, "window": windows.long},
        "annotations": {
            "summary": f"{SUMMARIES[objective.name]}: the error budget of {days} burns "
            "{{ $value | humanize }} times as fast as it may",
            "description": f"Over the last {windows.long} and {windows.short}, more than {factor} times as "
            f"many events were bad as the objective of {objective.objective:.6g} allows. "
            f"{ADVICE[objective.name]}",
        },
    }
