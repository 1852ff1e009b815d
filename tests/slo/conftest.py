"""Runs rules over series that are made up, with promtool."""

import subprocess
from itertools import accumulate

import pytest
import yaml

from jarvis.app.slo import generate

GROUPS = ["jarvis-burn-rates", "jarvis-budgets", "jarvis-budget-alerts", "jarvis-symptoms"]
GENERATE = "jarvis.v1.GenerationService/GenerateStream"


@pytest.fixture
def check_rules(promtool, tmp_path):
    """Check the syntax of rules; gives what is wrong, or nothing."""

    def check(text):
        (tmp_path / "rules.yml").write_text(text)
        checked = subprocess.run(
            [promtool, "check", "rules", "rules.yml"],
            cwd=tmp_path,
            check=False,
            capture_output=True,
            text=True,
        )
        return checked.stderr if checked.returncode else ""

    return check


@pytest.fixture
def disproved(promtool, tmp_path):
    """Run a scenario over rules, or over those of a configuration; gives what differs, or nothing."""

    def run(rules, scenario):
        text = rules if isinstance(rules, str) else generate(rules)
        (tmp_path / "rules.yml").write_text(text)
        tests = {
            "rule_files": ["rules.yml"],
            "evaluation_interval": scenario["every"],
            "group_eval_order": GROUPS,
            "tests": [{key: value for key, value in scenario.items() if key != "every"}],
        }
        (tmp_path / "tests.yml").write_text(yaml.safe_dump(tests, sort_keys=False))
        tested = subprocess.run(
            [promtool, "test", "rules", "tests.yml"],
            cwd=tmp_path,
            check=False,
            capture_output=True,
            text=True,
        )
        assert tested.returncode == 0 or "FAILED" in tested.stderr, tested.stderr
        return tested.stderr if tested.returncode else ""

    return run


@pytest.fixture
def scenario():
    """Describe one: series by name, and at which step which queries give which values, by labels.

    Rules are evaluated every so many steps, from the first one on.
    """

    def describe(seconds, series, expected, every=1):
        return {
            "every": f"{every * seconds}s",
            "interval": f"{seconds}s",
            "input_series": [{"series": name, "values": values} for name, values in series.items()],
            "promql_expr_test": [
                {
                    "expr": query,
                    "eval_time": f"{step * seconds}s",
                    "exp_samples": [{"labels": labels, "value": value} for labels, value in samples.items()],
                }
                for step, query, samples in expected
            ],
        }

    return describe


def grow(*phases):
    """Write the values of a counter; a phase is how many steps it lasts, and what each of them adds."""
    steps = [each for steps, each in phases for _ in range(steps)]
    return " ".join(map(str, accumulate(steps, initial=0)))


@pytest.fixture
def counter():
    return grow


@pytest.fixture
def traffic():
    """Make the series of events of an objective; a phase is: steps, good events and bad ones a step."""

    def made(slo, *phases, le=None):
        good = [(steps, good) for steps, good, _ in phases]
        bad = [(steps, bad) for steps, _, bad in phases]
        if slo == "availability":
            calls = f'rpc_server_call_duration_seconds_count{{rpc_method="{GENERATE}",rpc_status_code='
            return {f'{calls}"OK"}}': grow(*good), f'{calls}"INTERNAL"}}': grow(*bad)}
        name, bound = {
            "latency": ("jarvis_query_latency_seconds", "10"),
            "time_to_first_token": ("gen_ai_server_time_to_first_token_seconds", "1"),
        }[slo]
        every = [(steps, good + bad) for steps, good, bad in phases]
        return {f'{name}_bucket{{le="{le or bound}"}}': grow(*good), f"{name}_count": grow(*every)}

    return made
