"""Charts of what was measured, as SVG."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

WIDTH, HEIGHT = 9.0, 4.5
"""The size of a chart, in inches."""


@contextmanager
def drawn(file: Path, rows: int = 1, height: float = HEIGHT) -> Iterator[Sequence[Axes]]:
    """Yield the axes of so many graphs, one below the other, and write the file at the end of the block."""
    figure = Figure((WIDTH, height * rows), layout="constrained")
    axes = figure.subplots(rows, 1, sharex=True, squeeze=False)[:, 0]
    yield list(axes)
    with rc_context({"svg.fonttype": "none"}):  # text stays text
        figure.savefig(file, format="svg", metadata={"Date": None})


def lines(axes: Axes, x: str, y: str, series: Mapping[str, Mapping[float, float]], *, doubling: bool) -> None:
    """Draw a line for each series, with a legend; if `doubling`, each doubling of x takes as much room."""
    for name, points in series.items():
        axes.plot(*zip(*sorted(points.items()), strict=True), marker="o", label=name)
    axes.set(xlabel=x, ylabel=y)
    axes.set_ylim(bottom=0)
    if doubling:
        places = sorted({place for points in series.values() for place in points})
        axes.set_xscale("log", base=2)
        axes.set_xticks(places, [f"{place:g}" for place in places])
    axes.grid(alpha=0.3)
    axes.legend()
