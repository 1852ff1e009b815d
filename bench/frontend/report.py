"""What a run found: tables, and a file."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from bench.frontend.load import Plan, Round

Results = dict[str, list[Round]]
"""By contender; the first is what the others are compared with."""


def print_tables(results: Results, streams: Sequence[int]) -> None:
    """Print medians over the rounds, with the least and the most in brackets: a table a number of streams."""
    for number in streams:
        table = Table(title=f"streams at once: {number}", title_justify="left", box=SIMPLE, pad_edge=False)
        table.add_column("front end", no_wrap=True)
        for heading in ("tokens/s", "ratio", "TTFT, ms", "ratio"):
            table.add_column(heading, justify="right", no_wrap=True)
        base_speed = base_ttft = 0.0
        for name, measured in results.items():
            speeds = [one.tokens_per_second for one in measured if one.streams == number]
            ttfts = [one.ttft * 1000 for one in measured if one.streams == number]
            speed, ttft = statistics.median(speeds), statistics.median(ttfts)
            base_speed, base_ttft = base_speed or speed, base_ttft or ttft
            table.add_row(
                name,
                f"{speed:,.0f} ({min(speeds):,.0f}-{max(speeds):,.0f})",
                f"{speed / base_speed:.2f}",
                f"{ttft:.1f} ({min(ttfts):.1f}-{max(ttfts):.1f})",
                f"{ttft / base_ttft:.2f}",
            )
        Console().print(table)


def write_json(path: Path, results: Results, plan: Plan, engine: dict[str, Any]) -> None:
    """Write every round, and what was measured."""
    found = {name: [asdict(one) for one in measured] for name, measured in results.items()}
    path.write_text(
        json.dumps({"plan": asdict(plan), "engine": engine, "rounds": found}, indent=2) + "\n",
        encoding="utf-8",
    )
