"""The tables of a run."""

import statistics
from collections.abc import Sequence

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from bench.found import Found

COLUMNS = (
    ("tokens/s", "tokens_per_second", 1.0, ",.0f"),
    ("TTFT p50, ms", "ttft", 1e3, ".1f"),
    ("TTFT p95, ms", "ttft_p95", 1e3, ".1f"),
    ("CPU a token, µs", "cpu", 1e6, ".1f"),
)


def print_tables(names: Sequence[str], streams: Sequence[int], found: Found) -> None:
    """Print medians over the rounds, with the least and the most in brackets: a table per number of streams.

    The ratios are to the first name.
    """
    for number in streams:
        table = Table(title=f"streams at once: {number}", title_justify="left", box=SIMPLE, pad_edge=False)
        table.add_column("front end", no_wrap=True)
        for heading, *_ in COLUMNS:
            table.add_column(heading, justify="right", no_wrap=True)
            table.add_column("ratio", justify="right", no_wrap=True)
        base: dict[str, float] = {}
        for name in names:
            measured = [one for one in found.of(name) if one.streams == number]
            cells = []
            for _, field, factor, shape in COLUMNS:
                values = [value * factor for one in measured if (value := getattr(one, field)) is not None]
                if not values:
                    cells += ["-", "-"]
                    continue
                median = statistics.median(values)
                if name == names[0]:
                    base[field] = median
                cells.append(f"{median:{shape}} ({min(values):{shape}}-{max(values):{shape}})")
                cells.append(f"{median / base[field]:.2f}" if base.get(field) else "-")
            if measured:
                table.add_row(name, *cells)
        Console().print(table)
