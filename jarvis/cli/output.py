"""Prints output for people and for programs.

What others wrote (names of files, texts, messages) never controls the terminal: all output goes through here,
and control characters are shown escaped. Ruff bans `typer.echo` anywhere else.
"""

import json
import re
import sys
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from jarvis.client import Answer, Event


OTHER_PLACES = 5
"""The most other places with the same text that are shown."""

# Control characters, line breaks, marks that change the direction of text, and surrogates.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_CONTROL_OF_TEXT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def escaped(line: str) -> str:
    """Return a line with its control characters escaped, including line breaks and tabs."""
    return _CONTROL.sub(lambda found: repr(found[0])[1:-1], line)


def echo(line: str = "", *, err: bool = False) -> None:
    """Print one line, on standard error if `err` is set; above a progress bar, if one is shown."""
    stream = sys.stderr if err else sys.stdout
    stand_in = None if isinstance(stream, TextIOWrapper) else stream  # rich's, which typer would write past
    typer.echo(escaped(line), file=stand_in, err=err)


def confirmed(question: str) -> bool:
    """Ask for a yes or no on the terminal; Enter alone means no."""
    return typer.confirm(escaped(question), err=True)


def confirm(question: str) -> None:
    """Ask before something is deleted.

    Raises:
        BadParameter: nobody can be asked.
        Exit: the answer is no.
    """
    if not sys.stdin.isatty():
        raise typer.BadParameter("standard input is no terminal, so nobody can be asked: set --yes")
    if not confirmed(question):
        echo("jarvis: nothing was deleted", err=True)
        raise typer.Exit(1)


def print_json(value: Any, *, indent: int | None = 2) -> None:  # noqa: ANN401 - whatever JSON can hold
    """Print one JSON document, on one line if `indent` is None; bytes are in base64."""
    text = json.dumps(value, indent=indent, ensure_ascii=False, default=lambda data: b64encode(data).decode())
    for line in text.split("\n"):
        typer.echo(_CONTROL.sub(lambda found: json.dumps(found[0])[1:-1], line))


def print_answer(answer: "Answer") -> None:
    """Print a whole answer as JSON, its first choice on top."""
    print_json({"text": answer.text, "reason": answer.reason, **asdict(answer)})


def print_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table that is fitted to a terminal, and never wrapped or cut anywhere else."""
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    table = Table(*header, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*map(escaped, row))
    width = None if sys.stdout.isatty() else 10_000
    Console(width=width, markup=False, emoji=False, highlight=False).print(table)


def deltas(events: Iterable["Event"]) -> Iterator[str]:
    """Yield the texts of a stream that are not empty; show reasoning and calls of tools meanwhile.

    Both go to standard error, where they disturb no program that reads the answer: reasoning only if that is
    a terminal, and a call as `NAME(ARGUMENTS)`, once it is complete.
    """
    from jarvis.client import Delta, Finished  # noqa: PLC0415

    calls: dict[tuple[int, int], str] = {}
    reasons = False
    for event in events:
        if isinstance(event, Delta):
            if event.reasoning and sys.stderr.isatty():
                reasons = True
                _aside(event.reasoning)
            for call in event.tool_calls:
                key = event.index, call.index
                calls[key] = calls.get(key, "") + (f"{call.name}(" if call.name else "") + call.arguments
            if event.text:
                if reasons:
                    _aside("\n")
                    reasons = False
                yield event.text
        elif isinstance(event, Finished):
            for line in calls.values():
                echo(f"jarvis: the model calls {line})", err=True)
            calls.clear()


def _aside(text: str) -> None:
    """Write reasoning, dimmed, to standard error."""
    typer.secho(_CONTROL_OF_TEXT.sub(lambda found: repr(found[0])[1:-1], text), dim=True, nl=False, err=True)


def write(text: str) -> None:
    """Write a part of a text immediately: as it is to a file or a pipe, escaped on a terminal."""
    if sys.stdout.isatty():
        text = _CONTROL_OF_TEXT.sub(lambda found: repr(found[0])[1:-1], text)
    sys.stdout.write(text)
    sys.stdout.flush()
