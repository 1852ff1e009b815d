"""A Jupyter notebook is read as its cells."""

import json
import re
from collections.abc import Iterator
from typing import Any

from jarvis.core.text import Kind, Text
from jarvis_ports.errors import DocumentUnreadable

MOST_OUTPUT = 2000
"""Characters of one output that are kept: longer ones are logs and dumps."""
_ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_PARTS = (AttributeError, KeyError, TypeError, ValueError, RecursionError)


def read_notebook(text: str, source: str) -> Text:
    """Turn cells into Markdown: texts as they are, code and what it printed in fences, no pictures.

    Formats 3 and 4 (https://nbformat.readthedocs.io) are read.

    Raises:
        DocumentUnreadable: it is no notebook.
    """
    try:
        notebook = json.loads(text)
        sheets = notebook.get("worksheets") or [notebook]
        metadata = notebook.get("metadata") or {}
        language = (metadata.get("language_info") or metadata.get("kernelspec") or {}).get("name", "python")
        cells = [cell for sheet in sheets for cell in sheet["cells"]]
        parts = [part for cell in cells for part in _cell(cell, str(language)) if part.strip()]
    except _PARTS as error:
        msg = f"{source} is no Jupyter notebook: {type(error).__name__} {error}"
        raise DocumentUnreadable(msg) from error
    return Text("\n\n".join(parts), Kind.MARKDOWN)


def _cell(cell: dict[str, Any], language: str) -> Iterator[str]:
    written = _joined(cell.get("source", cell.get("input", ""))).strip("\n")
    match cell["cell_type"]:
        case "code":
            yield _fenced(written, language)
            for output in cell.get("outputs", ()):
                yield _fenced(_output(output), "")
        case "heading":  # of format 3
            yield f"{'#' * int(cell.get('level', 1))} {written}"
        case _:
            yield written


def _output(output: dict[str, Any]) -> str:
    """Return the text of an output; what is shown as a picture or a page has a text beside it, or none."""
    if output.get("output_type") in {"error", "pyerr"}:
        return f"{output.get('ename', '')}: {output.get('evalue', '')}"
    data = output.get("data", output)
    printed = _ESCAPES.sub("", _joined(data.get("text/plain", data.get("text", ""))))
    return printed.strip("\n")[:MOST_OUTPUT]


def _joined(text: str | list[str]) -> str:
    return text if isinstance(text, str) else "".join(text)


def _fenced(text: str, language: str) -> str:
    """Write code; its fence is longer than any in it."""
    longest = max((len(run) for run in re.findall("`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{text}\n{fence}" if text.strip() else ""
