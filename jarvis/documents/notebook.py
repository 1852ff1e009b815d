"""Reads the cells of a Jupyter notebook."""

import json
import re
from collections.abc import Iterator
from typing import Any

from jarvis.core.text import Kind, Text, without_unseen
from jarvis_ports.errors import DocumentUnreadable

MOST_OUTPUT = 2000
"""The maximum number of characters kept of one output: longer ones are logs and dumps."""
_ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_LANGUAGE = re.compile(r"[\w+#.-]{1,40}")
_PARTS = (AttributeError, KeyError, TypeError, ValueError, RecursionError)


def read_notebook(text: str, source: str) -> Text:
    """Turn cells into Markdown: text as it is seen, code and its output in fences, and no pictures.

    Formats 3 and 4 (https://nbformat.readthedocs.io) are read. The notes name cells that could not be.

    Raises:
        DocumentUnreadable: it is not a notebook.
    """
    try:
        notebook = json.loads(text)
        sheets = notebook.get("worksheets") or [notebook]
        metadata = notebook.get("metadata") or {}
        kernel = metadata.get("language_info") or metadata.get("kernelspec") or {}
        language = kernel.get("name", "python") if isinstance(kernel, dict) else ""
        language = language if _LANGUAGE.fullmatch(str(language)) else ""
        cells = [cell for sheet in sheets for cell in sheet["cells"]]
    except _PARTS as error:
        msg = f"{source} is not a Jupyter notebook: {type(error).__name__} {error}"
        raise DocumentUnreadable(msg) from error
    parts: list[str] = []
    notes: list[str] = []
    for number, cell in enumerate(cells, 1):
        try:
            parts.extend(_cell(cell, str(language)))
        except _PARTS as error:
            notes.append(f"cell {number} could not be read whole: {type(error).__name__} {error}")
    if notes and len(notes) == len(cells):
        msg = f"{source} is not a Jupyter notebook: {notes[0]}"
        raise DocumentUnreadable(msg)
    return Text("\n\n".join(part for part in parts if part.strip()), Kind.MARKDOWN, notes=tuple(notes))


def _cell(cell: dict[str, Any], language: str) -> Iterator[str]:
    written = _joined(cell.get("source", cell.get("input"))).strip("\n")
    match cell["cell_type"]:
        case "code":
            yield _fenced(written, language)
            yield from map(_output, cell.get("outputs") or ())
        case "heading":  # in format 3
            yield f"{'#' * int(cell.get('level') or 1)} {_seen(written)}"
        case _:
            yield _seen(written)


def _output(output: dict[str, Any]) -> str:
    """Return the text of an output; for a picture or a page, it is the text beside it, if any."""
    if output.get("output_type") in {"error", "pyerr"}:
        return _fenced(_joined(f"{output.get('ename', '')}: {output.get('evalue', '')}"), "")
    data = output.get("data") or output
    if shown := _seen(_joined(data.get("text/markdown"))).strip("\n"):
        return shown if len(shown) <= MOST_OUTPUT else _fenced(shown[:MOST_OUTPUT], "markdown")
    printed = _ESCAPES.sub("", _joined(data.get("text/plain", data.get("text"))))
    return _fenced(printed.strip("\n")[:MOST_OUTPUT], "")


def _seen(markdown: str) -> str:
    return without_unseen(markdown, markdown=True)[0]


def _joined(text: str | list[str] | None) -> str:
    """Join the parts of a text, without NUL and lone surrogates, which JSON can contain."""
    joined = text if isinstance(text, str) else "".join(text or ())
    return joined.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "")


def _fenced(text: str, language: str) -> str:
    """Return code in a fence that is longer than any within it."""
    longest = max((len(run) for run in re.findall("`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{text}\n{fence}" if text.strip() else ""
