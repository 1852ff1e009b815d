"""`jarvis search`."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from jarvis.cli.connection import Connection, connects
from jarvis.cli.options import Json
from jarvis.cli.output import OTHER_PLACES, echo, escaped, print_json
from jarvis.cli.retrieval_options import (
    DEFAULT_COLLECTION,
    Collection,
    MinSimilarity,
    Mode,
    Rerank,
    Where,
    read_filter,
)

if TYPE_CHECKING:
    from jarvis.client import Duplicate, Hit

LINES = 3
"""The most lines of a hit's text that are shown."""


@connects
def search(  # noqa: PLR0913 - one for each option
    query: Annotated[str, typer.Argument(help="What to find.")],
    *,
    collection: Collection = DEFAULT_COLLECTION,
    mode: Mode = None,
    top_k: Annotated[int, typer.Option(metavar="COUNT", help="The most hits, up to 1000.")] = 10,
    where: Where = None,
    min_similarity: MinSimilarity = None,
    truncate: Annotated[
        bool,
        typer.Option("--truncate", help="Cut off a question that is too long, instead of refusing it."),
    ] = False,
    rerank: Rerank = None,
    connection: Connection,
    as_json: Json = False,
) -> None:
    """Find what is nearest to a question, by its meaning and by its words."""
    with connection.open() as client:
        found = client.retrieval.search(
            collection,
            query,
            mode=mode,
            top_k=top_k,
            filter=read_filter(where),
            min_similarity=min_similarity,
            truncate=truncate,
            rerank=rerank,
        )
    if as_json:
        print_json(asdict(found))
        return
    if not found.hits:
        echo(f"jarvis: nothing was found in collection {collection!r}", err=True)
    for rank, hit in enumerate(found.hits, 1):
        _show(rank, hit)


def _show(rank: int, hit: "Hit") -> None:
    from rich.console import Console  # noqa: PLC0415 - slow to import
    from rich.text import Text  # noqa: PLC0415

    similarity = "" if hit.similarity is None else f" (similarity {hit.similarity:.3f})"
    score = hit.score if hit.rerank_score is None else hit.rerank_score
    echo(f"{rank}. {score:.4f}{similarity} {_place(hit)}")
    for other in hit.duplicates[:OTHER_PLACES]:
        echo(f"   and {_place(other)}")
    if (more := len(hit.duplicates) - OTHER_PLACES) > 0:
        echo(f"   and {more} more places")
    console = Console()
    width = console.width if console.is_terminal else 10_000
    for line in [line for line in hit.text.splitlines() if line.strip()][:LINES]:
        text = Text(f"   {escaped(line.strip())}")
        text.truncate(width, overflow="ellipsis")
        echo(text.plain)


def _place(row: "Hit | Duplicate") -> str:
    source = row.source
    return f"{source.source}:{source.start}-{source.end} {source.pages}".rstrip() if source else row.id
