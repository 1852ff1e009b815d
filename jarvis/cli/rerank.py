"""`jarvis rerank`."""

import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from jarvis.cli.connection import Connection, connects
from jarvis.cli.options import DEFAULT_TIMEOUT, Timeout
from jarvis.cli.output import echo, print_json

SHOWN_CHARACTERS = 80


@connects
def rerank(  # noqa: PLR0913 - one for each option
    query: Annotated[str, typer.Argument(help="What the documents are to answer.")],
    files: Annotated[
        list[str] | None,
        typer.Argument(
            show_default=False,
            metavar="[FILES|-]",
            help="Text files, a document each. Left out or -: the lines of standard input, a document each.",
        ),
    ] = None,
    *,
    top_n: Annotated[
        int | None, typer.Option(metavar="COUNT", help="Only so many, the best; all when left out.")
    ] = None,
    truncate: Annotated[
        bool, typer.Option("--truncate", help="Cut off texts that are too long, instead of refusing them.")
    ] = False,
    model: Annotated[
        str | None, typer.Option(metavar="NAME", help="A reranker's name; the server's own when left out.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line, in full.")] = False,
    timeout: Timeout = DEFAULT_TIMEOUT,
    connection: Connection,
) -> None:
    """Order documents by how well each answers a query, and print a line for each, the best first."""
    named = [] if not files or files == ["-"] else files
    documents = [_read(name) for name in named] if named else list(_lines())
    if not documents:
        raise typer.BadParameter("standard input has no text", param_hint="FILES")
    with connection.open(timeout=timeout) as client:
        ranked = client.rerank(query, documents, top_n=top_n, truncate=truncate, model=model)
    for rank, one in enumerate(ranked.results, 1):
        source = named[one.index] if named else None
        if as_json:
            found = {**asdict(one), "document": documents[one.index], "source": source}
            print_json(found, indent=None)
            continue
        cut = "  cut off" if one.truncated else ""
        echo(f"{rank}. {one.score:.4f}{cut}  {_shown(documents[one.index]) if source is None else source}")


def _read(name: str) -> str:
    try:
        return Path(name).read_text(encoding="utf-8")
    except OSError as error:
        raise typer.BadParameter(f"{name}: {error.strerror}", param_hint="FILES") from None
    except UnicodeDecodeError:
        raise typer.BadParameter(f"{name}: is not UTF-8", param_hint="FILES") from None


def _lines() -> Iterator[str]:
    if sys.stdin.isatty():
        echo("jarvis: reading documents from the terminal, one a line; Ctrl-D ends them", err=True)
    return (text for line in sys.stdin if (text := line.rstrip("\r\n")))


def _shown(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SHOWN_CHARACTERS else line[: SHOWN_CHARACTERS - 1] + "…"
