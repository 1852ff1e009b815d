"""Writes Prometheus rules for the objectives.

https://prometheus.io/docs/prometheus/latest/configuration/recording_rules/
"""

from collections.abc import Iterator, Sequence
from typing import Any

import yaml

from jarvis.app.config import SLOConfig
from jarvis.app.slo.burn import ALERTS, BURN_RATE, Rule, burn_alerts
from jarvis.app.slo.objectives import objectives
from jarvis.app.slo.ratios import bad_ratio
from jarvis.app.slo.symptoms import JOB, symptom_alerts
from jarvis.core.telemetry.figures import Objective

BUDGET_REMAINING = "jarvis:slo_budget:remaining"
"""The series that records the share of each error budget that is left: 1 is all; below 0, it is overspent."""
HOURS = ("5m", "30m", "1h", "2h", "6h")
DAYS = ("1d", "3d")
DAYS_INTERVAL = "2m"
"""The interval at which the long windows are evaluated: they cost more, and change less."""


def recorded_names() -> list[str]:
    """Return the names of the series that the rules record, for dashboards."""
    return [*(BURN_RATE + window for window in HOURS + DAYS), BUDGET_REMAINING]


def generate(config: SLOConfig) -> str:
    """Return a file of rules, in YAML."""
    promised = objectives(config)
    groups = [
        {"name": "jarvis-burn-rates", "rules": list(_burn_rates(config, promised, HOURS))},
        {
            "name": "jarvis-budgets",
            "interval": DAYS_INTERVAL,
            "rules": [*_burn_rates(config, promised, DAYS), *_remaining(config, promised)],
        },
        {"name": "jarvis-budget-alerts", "rules": [rule for each in promised for rule in burn_alerts(each)]},
        {"name": "jarvis-symptoms", "rules": symptom_alerts()},
    ]
    text = yaml.dump({"groups": groups}, Dumper=_Dumper, sort_keys=False, width=100, allow_unicode=True)
    return "".join(f"# {line}\n" for line in _notes(config, promised)) + text


def _burn_rates(config: SLOConfig, promised: Sequence[Objective], windows: Sequence[str]) -> Iterator[Rule]:
    for window in windows:
        for each in promised:
            yield _recorded(BURN_RATE + window, _burn_rate(config, each, window), each)


def _remaining(config: SLOConfig, promised: Sequence[Objective]) -> Iterator[Rule]:
    for each in promised:
        yield _recorded(BUDGET_REMAINING, f"1 - {_burn_rate(config, each, f'{config.window_days}d')}", each)


def _burn_rate(config: SLOConfig, objective: Objective, window: str) -> str:
    return f"({bad_ratio(objective, config.bad_codes, window)}) / {1 - objective.objective:.6g}"


def _recorded(name: str, query: str, objective: Objective) -> Rule:
    return {"record": name, "expr": query, "labels": {"slo": objective.name}}


def _notes(config: SLOConfig, promised: Sequence[Objective]) -> Iterator[str]:
    yield "Written by `jarvis slo rules` from the table [slo] of the configuration: change that, not this."
    yield f"The scrape job is named {JOB}. Prometheus keeps 15 days unless it is told to keep more:"
    yield f"--storage.tsdb.retention.time={config.window_days + 1}d"
    for each in promised:
        for windows in ALERTS:
            if not windows.can_fire(each):
                yield (
                    f"{each.name}: no {windows.severity} over {windows.long}: {windows.share:.0%} of the "
                    "budget cannot be spent in it, even if every event is bad."
                )


class _Dumper(yaml.SafeDumper):
    """Writes a text of several lines as a block."""


def _text(dumper: yaml.SafeDumper, text: str) -> Any:  # noqa: ANN401 - the stubs have no type for it
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)
