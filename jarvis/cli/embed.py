"""`jarvis embed`."""

import sys
from collections.abc import Iterable, Iterator
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from jarvis.cli.connection import Connection, connects
from jarvis.cli.options import DEFAULT_TIMEOUT, Timeout
from jarvis.cli.output import echo, print_json

if TYPE_CHECKING:
    from jarvis.client import Embeddings

BATCH = 64
"""The number of lines of standard input that are embedded at a time."""
SHOWN_COMPONENTS = 4
SHOWN_CHARACTERS = 40


class Role(StrEnum):
    """What the texts are for."""

    DOCUMENT = "document"
    QUERY = "query"


@connects
def embed(  # noqa: PLR0913 - one for each option
    texts: Annotated[
        list[str] | None,
        typer.Argument(show_default=False, help="The texts; the lines of standard input when left out."),
    ] = None,
    *,
    role: Annotated[
        Role, typer.Option(help="Whether they are passages to be found, or to be searched with.")
    ] = Role.DOCUMENT,
    dimension: Annotated[
        int | None, typer.Option(metavar="COUNT", help="How many components to keep, from the first.")
    ] = None,
    truncate: Annotated[
        bool, typer.Option("--truncate", help="Cut off texts that are too long, instead of refusing them.")
    ] = False,
    model: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="An embedding model's name; the server's own when left out."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line, in full.")] = False,
    timeout: Timeout = DEFAULT_TIMEOUT,
    connection: Connection,
) -> None:
    """Turn texts into vectors, and print a line for each; empty lines of standard input are left out."""
    batches = [texts] if texts else _lines()
    empty = True
    with connection.open(timeout=timeout) as client:
        for batch in batches:
            found = client.embed(batch, role=role, dimension=dimension, truncate=truncate, model=model)
            _print(batch, found, as_json=as_json)
            empty = False
    if empty:
        raise typer.BadParameter("standard input has no text", param_hint="TEXTS")


def _lines() -> Iterator[list[str]]:
    if sys.stdin.isatty():
        echo("jarvis: reading texts from the terminal, one a line; Ctrl-D ends them", err=True)
    texts = (text for line in sys.stdin if (text := line.rstrip("\r\n")))
    return iter(lambda: list(islice(texts, BATCH)), [])


def _print(texts: Iterable[str], found: "Embeddings", *, as_json: bool) -> None:
    for text, vector, tokens, truncated, cached in _each(texts, found):
        if as_json:
            line = {
                "text": text,
                "tokens": tokens,
                "truncated": truncated,
                "cached": cached,
                "vector": vector,
            }
            print_json(line, indent=None)
            continue
        first = " ".join(f"{component:7.4f}" for component in vector[:SHOWN_COMPONENTS])
        more = " …" if len(vector) > SHOWN_COMPONENTS else ""
        state = f"{'cached' if cached else 'new':6} {'cut off' if truncated else ''}".rstrip()
        echo(f"{tokens:6} tokens  {state:14}  [{first}{more}]  {_shown(text)}")


def _each(texts: Iterable[str], found: "Embeddings") -> Iterator[tuple[str, list[float], int, bool, bool]]:
    return zip(texts, found.lists(), found.tokens, found.truncated, found.cached, strict=True)


def _shown(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SHOWN_CHARACTERS else line[: SHOWN_CHARACTERS - 1] + "…"
