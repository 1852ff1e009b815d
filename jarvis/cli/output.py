"""What is printed, for people and for programs."""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from jarvis.client import Answer, Event


def print_json(value: Any) -> None:  # noqa: ANN401 - whatever JSON can hold
    """Print one JSON document."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def print_answer(answer: "Answer") -> None:
    """Print a whole answer as JSON, its first choice on top."""
    print_json({"text": answer.text, "reason": answer.reason, **asdict(answer)})


def print_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table: fitted to a terminal, and never wrapped or cut anywhere else."""
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    table = Table(*header, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*row)
    width = None if sys.stdout.isatty() else 10_000
    Console(width=width, markup=False, emoji=False, highlight=False).print(table)


def deltas(events: Iterable["Event"]) -> Iterator[str]:
    """Pick the texts out of a stream; none is empty."""
    from jarvis.client import Delta  # noqa: PLC0415

    return (event.text for event in events if isinstance(event, Delta) and event.text)


def write(text: str) -> None:
    """Write a part of a line, at once."""
    sys.stdout.write(text)
    sys.stdout.flush()


def printable(line: str) -> str:
    """Take out what would steer the terminal: the text may be anyone's."""
    return "".join(character if character.isprintable() else " " for character in line)
