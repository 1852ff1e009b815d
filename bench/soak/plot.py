"""Draws the figures over time, one small graph each, as SVG."""

from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby

from bench.soak.watch import Sample

WIDTH, HEIGHT = 900, 110
"""Of one graph, in pixels, with its title."""
LEFT, TOP, BOTTOM = 70, 24, 8
"""What of it is not the plot."""
POINTS = 300
"""The most points of a line: of more samples, some are left out."""
STYLE = (
    "text{font:12px sans-serif;fill:#555}.title{font-weight:bold}"
    ".line{fill:none;stroke:#1f77b4;stroke-width:1.5}.axis{stroke:#ccc}.phase{stroke:#e8a33d}"
)


def drawn(samples: Sequence[Sample], names: Sequence[str]) -> str:
    """Return the SVG text: a graph for each figure, and across all of them a line where a phase begins."""
    most = samples[-1].seconds
    begins = [next(group) for _, group in groupby(samples, key=lambda sample: sample.phase)]
    height = HEIGHT * len(names) + TOP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height + 16}">',
        f"<style>{STYLE}</style>",
        '<rect width="100%" height="100%" fill="#fff"/>',
    ]
    for number, sample in enumerate(begins):
        x = _x(sample.seconds, most)
        parts.append(f'<line class="phase" x1="{x}" x2="{x}" y1="{TOP}" y2="{height}"/>')
        end = ' text-anchor="end"' if x > WIDTH - 100 else ""
        parts.append(f'<text x="{x}" y="{12 + 12 * (number % 2)}"{end}>{escape(sample.phase)}</text>')
    for number, name in enumerate(names):
        parts += _graph(samples[:: -(-len(samples) // POINTS)], name, TOP + number * HEIGHT, most)
    parts += [
        f'<text x="{_x(minute * 60, most)}" y="{height + 12}">{minute} min</text>'
        for minute in range(0, int(most // 60) + 1, 2)
    ]
    return "\n".join([*parts, "</svg>", ""])


def _graph(samples: Sequence[Sample], name: str, top: int, most: float) -> Iterator[str]:
    values = [sample.figures[name] for sample in samples]
    least, high = min(values), max(values)
    span = high - least or 1
    begin, end = top + TOP, top + HEIGHT - BOTTOM
    points = " ".join(
        f"{_x(sample.seconds, most)},{end - (value - least) / span * (end - begin):.1f}"
        for sample, value in zip(samples, values, strict=True)
    )
    yield f'<text class="title" x="{LEFT}" y="{top + 18}">{escape(name)}</text>'
    yield f'<line class="axis" x1="{LEFT}" x2="{WIDTH}" y1="{end}" y2="{end}"/>'
    for value, y in (least, end), (high, begin + 10):
        yield f'<text x="4" y="{y}">{value:.5g}</text>'
    yield f'<polyline class="line" points="{points}"/>'


def _x(seconds: float, most: float) -> float:
    return round(LEFT + seconds / (most or 1) * (WIDTH - LEFT - 10), 1)
