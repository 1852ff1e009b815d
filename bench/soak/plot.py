"""Draws the figures over time, a small graph each."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from bench.charts import drawn
from bench.soak.watch import Sample

HEIGHT = 1.3
"""The height of one graph, in inches."""
POINTS = 300
"""The most points of a line: of more samples, some are left out."""


def plot(file: Path, samples: Sequence[Sample], names: Sequence[str]) -> None:
    """Write a graph of each figure, with a dotted line where a phase begins, whose name is at the top."""
    begins = [next(group) for _, group in groupby(samples, key=lambda sample: sample.phase)]
    shown = samples[:: -(-len(samples) // POINTS)]
    minutes = [sample.seconds / 60 for sample in shown]
    with drawn(file, len(names), HEIGHT) as graphs:
        for graph, name in zip(graphs, names, strict=True):
            graph.plot(minutes, [sample.figures[name] for sample in shown], linewidth=1)
            graph.set_title(name, loc="left", fontsize=9)
            for begin in begins:
                graph.axvline(begin.seconds / 60, color="orange", linestyle=":")
        for begin in begins:
            graphs[0].annotate(
                begin.phase,
                (begin.seconds / 60, 1),
                (2, 14),
                xycoords=("data", "axes fraction"),
                textcoords="offset points",
                fontsize=8,
                rotation=20,
            )
        graphs[-1].set_xlabel("minutes")
