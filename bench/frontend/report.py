"""What a run found: a table, and a file."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.frontend.load import Plan, Round

Results = dict[str, list[Round]]
"""By contender; the first is what the others are compared with."""


def print_table(results: Results, streams: Sequence[int]) -> None:
    """Print medians over the rounds, with the least and the most in brackets."""
    table = Table(
        "streams", "contender", "tokens/s", "of in process", "TTFT, ms", "of in process", title="Front ends"
    )
    for number in streams:
        base: list[Round] = []
        for name, measured in results.items():
            own = [one for one in measured if one.streams == number]
            base = base or own
            speeds, base_speeds = _speeds(own), _speeds(base)
            ttfts, base_ttfts = _ttfts(own), _ttfts(base)
            table.add_row(
                str(number),
                name,
                _spread(speeds, ",.0f"),
                f"{statistics.median(speeds) / statistics.median(base_speeds):.2f}",
                _spread(ttfts, ".1f"),
                f"{statistics.median(ttfts) / statistics.median(base_ttfts):.2f}",
            )
        table.add_section()
    Console().print(table)


def write_json(path: Path, results: Results, plan: Plan, engine: dict[str, Any]) -> None:
    """Write every round, and what was measured."""
    found = {name: [asdict(one) for one in measured] for name, measured in results.items()}
    path.write_text(
        json.dumps({"plan": asdict(plan), "engine": engine, "rounds": found}, indent=2) + "\n",
        encoding="utf-8",
    )


def _speeds(measured: Sequence[Round]) -> list[float]:
    return [one.tokens_per_second for one in measured]


def _ttfts(measured: Sequence[Round]) -> list[float]:
    return [one.ttft * 1000 for one in measured]


def _spread(values: Sequence[float], form: str) -> str:
    return f"{statistics.median(values):{form}} ({min(values):{form}} to {max(values):{form}})"
