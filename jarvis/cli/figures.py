"""Formats the figures of a server for people."""

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jarvis.client import ModelStatus, Objective, Quantiles, Recent, ServerStatus

NONE = "-"
"""What is shown if nothing was measured."""
OBJECTIVES = {"time_to_first_token": "first token"}


@dataclass(frozen=True)
class Figure:
    """A line to show: its label, its value, and whether that is bad."""

    label: str
    value: str
    bad: bool = False


def headline(status: "ServerStatus") -> str:
    """Return the state of the server in one line."""
    health = [status.health.value] if status.health else []
    uptime = f"up {timedelta(seconds=round(status.uptime_seconds))}"
    active = f"{status.active_requests} active requests"
    return f"jarvis {status.version}: {', '.join([status.state.value, *health, uptime, active])}"


def figures(status: "ServerStatus") -> list[Figure]:
    """Return rates and times of the last minute, memory, and what is left of the error budgets."""
    recent = status.recent
    ratio = recent.cache_hit_ratio
    return [
        Figure("calls", _calls(recent), bad=recent.failed_calls > 0),
        Figure("latency", _quantiles(recent.latency)),
        Figure("first token", _quantiles(recent.time_to_first_token)),
        Figure("output", f"{_rate(recent.output_tokens, recent)} tokens/s"),
        Figure("cache", NONE if ratio is None else f"{ratio:.0%} of texts found"),
        Figure("memory", f"server {_bytes(status.resident_memory_bytes)}"),
        *(
            Figure(
                f"GPU {gpu.id}",
                f"{_bytes(gpu.memory_used_bytes)} of {_bytes(gpu.memory_total_bytes)}, {gpu.name}",
            )
            for gpu in status.gpus
        ),
        *(
            Figure("" if index else "budget left", _budget(objective), bad=objective.budget_remaining <= 0)
            for index, objective in enumerate(status.objectives)
        ),
    ]


def components(status: "ServerStatus") -> list[tuple[str, ...]]:
    """Return a row per component: port, name, adapter, state, active requests, restarts and message."""
    return [
        *(
            ("llm", m.name, m.adapter, m.state, str(m.active_requests), str(m.restarts), _message(m))
            for m in status.models
        ),
        *((c.port, c.name, c.adapter, c.state, "-", str(c.restarts), c.message) for c in status.components),
    ]


def _message(model: "ModelStatus") -> str:
    circuit = "tried last: kept failing" if model.circuit_open else ""
    return "; ".join(part for part in (model.message, circuit) if part)


def _calls(recent: "Recent") -> str:
    failed = f", {recent.failed_calls / recent.calls:.1%} failed" if recent.calls else ""
    return f"{_rate(recent.calls, recent)}/s{failed}"


def _rate(number: int, recent: "Recent") -> str:
    return f"{number / recent.window_seconds:,.1f}" if recent.window_seconds else NONE


def _quantiles(quantiles: "Quantiles | None") -> str:
    if quantiles is None:
        return NONE
    named = (("p50", quantiles.p50), ("p95", quantiles.p95), ("p99", quantiles.p99))
    return ", ".join(f"{name} {_seconds(seconds)}" for name, seconds in named)


def _budget(objective: "Objective") -> str:
    name = OBJECTIVES.get(objective.name, objective.name)
    within = "" if objective.threshold_seconds is None else f" within {objective.threshold_seconds:g} s"
    promise = f"{objective.objective * 100:g}%{within} promised"
    seen = f"{objective.bad_events:,} of {objective.events:,} bad"
    return f"{name} {objective.budget_remaining:.1%} ({promise}, {seen})"


def _seconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.3g} s"


def _bytes(number: int) -> str:
    return f"{number / 2**30:.1f} GiB" if number >= 2**30 else f"{number / 2**20:.0f} MiB"
