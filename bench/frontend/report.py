"""The tables of a run."""

import statistics
from collections.abc import Sequence

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from bench.found import Found


def print_tables(names: Sequence[str], streams: Sequence[int], found: Found) -> None:
    """Print medians over the rounds, with the least and the most in brackets: a table per number of streams.

    The ratios are to the first name.
    """
    for number in streams:
        table = Table(title=f"streams at once: {number}", title_justify="left", box=SIMPLE, pad_edge=False)
        table.add_column("front end", no_wrap=True)
        for heading in ("tokens/s", "ratio", "TTFT, ms", "ratio"):
            table.add_column(heading, justify="right", no_wrap=True)
        base: dict[str, float] = {}
        for name in names:
            measured = [one for one in found.of(name) if one.streams == number]
            if not measured:
                continue
            columns = {
                "speed": ([one.tokens_per_second for one in measured], ",.0f"),
                "ttft": ([one.ttft * 1000 for one in measured], ".1f"),
            }
            cells = []
            for column, (values, shape) in columns.items():
                median = statistics.median(values)
                if name == names[0]:
                    base[column] = median
                cells.append(f"{median:{shape}} ({min(values):{shape}}-{max(values):{shape}})")
                cells.append(f"{median / base[column]:.2f}" if column in base else "-")
            table.add_row(name, *cells)
        Console().print(table)
