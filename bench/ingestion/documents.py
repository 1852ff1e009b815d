"""Documents of each kind that is ingested, written to a folder."""

import html
import sysconfig
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path

from matplotlib import rc_context
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure

from bench.corpus import Docstring, docstrings

SECTIONS = 10
"""The number of docstrings of a document."""
LINE = 90
PAGE_LINES = 50
A4 = (8.3, 11.7)
"""The size of a page, in inches."""


def write(kind: str, folder: Path, number: int) -> list[Path]:
    """Write so many documents of a kind, and return their files; fewer, if there is no more text."""
    if kind == "python":
        found = (
            path for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")) if path.stat().st_size
        )
        return list(found)[:number]
    texts = docstrings()[: number * SECTIONS]
    files = []
    for start in range(0, len(texts), SECTIONS):
        files.append(folder / f"{start}.{kind}")
        WRITERS[kind](files[-1], texts[start : start + SECTIONS])
    return files


def pages(files: Sequence[Path]) -> int:
    """Return the number of pages of those that are PDFs."""
    return sum(path.read_bytes().count(b"/Type /Page ") for path in files if path.suffix == ".pdf")


def _txt(path: Path, sections: Sequence[Docstring]) -> None:
    path.write_text("\n\n".join(f"{one.first}.\n{one.rest}" for one in sections))


def _md(path: Path, sections: Sequence[Docstring]) -> None:
    path.write_text("# Notes\n\n" + "\n\n".join(f"## {one.first}\n\n{one.rest}" for one in sections))


def _html(path: Path, sections: Sequence[Docstring]) -> None:
    body = "".join(f"<h2>{html.escape(one.first)}</h2><p>{html.escape(one.rest)}</p>" for one in sections)
    path.write_text(f"<!doctype html><title>Notes</title><h1>Notes</h1>{body}")


def _pdf(path: Path, sections: Sequence[Docstring]) -> None:
    lines = [line for one in sections for line in (*textwrap.wrap(f"{one.first}. {one.rest}", LINE), "")]
    with rc_context({"pdf.fonttype": 42, "text.parse_math": False}), PdfPages(path) as document:
        for start in range(0, len(lines), PAGE_LINES):
            figure = Figure(figsize=A4)
            figure.text(0.08, 0.95, "\n".join(lines[start : start + PAGE_LINES]), va="top", size=8)
            document.savefig(figure)


WRITERS: dict[str, Callable[[Path, Sequence[Docstring]], None]] = {
    "txt": _txt,
    "md": _md,
    "html": _html,
    "pdf": _pdf,
}
KINDS = (*WRITERS, "python")
