"""`jarvis collections`: what the vector store holds."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jarvis.cli.connection import Connection, connects
from jarvis.cli.options import Json, examples
from jarvis.cli.output import confirm, echo, print_json, print_table
from jarvis.cli.progress import bar

if TYPE_CHECKING:
    from jarvis.client import Collection

app = typer.Typer(help="List, make, delete, check and rebuild collections.")

Name = Annotated[str, typer.Argument(help="The collection's name.")]
MaxNeighbors = Annotated[
    int | None, typer.Option(metavar="COUNT", help="Neighbours of each row in the graph (M), 2 to 512.")
]
EfConstruction = Annotated[
    int | None, typer.Option(metavar="COUNT", help="Candidates looked at while building, 1 to 10000.")
]
EfSearch = Annotated[
    int | None, typer.Option(metavar="COUNT", help="Candidates looked at while searching, 1 to 10000.")
]
Space = Annotated[
    str | None, typer.Option(metavar="SPACE", help="How near two vectors are: cosine, l2 or ip.")
]


@app.command("list", epilog=examples("jarvis collections list", "jarvis collections list --json"))
@connects
def list_collections(*, connection: Connection, as_json: Json = False) -> None:
    """List the collections."""
    with connection.open() as client:
        found = client.retrieval.collections()
    if as_json:
        print_json([asdict(collection) for collection in found])
    else:
        _print(found)


@app.command(epilog=examples("jarvis collections show default"))
@connects
def show(name: Name, *, connection: Connection, as_json: Json = False) -> None:
    """Show a collection and how it is indexed."""
    with connection.open() as client:
        found = client.retrieval.get_collection(name)
    if as_json:
        print_json(asdict(found))
        return
    flat = {**asdict(found), **asdict(found.index)}
    del flat["index"]
    print_table(("SETTING", "VALUE"), ((key, str(value)) for key, value in flat.items()))


@app.command(
    epilog=examples("jarvis collections create default", "jarvis collections create docs --ef-search 400")
)
@connects
def create(  # noqa: PLR0913 - one for each option
    name: Name,
    *,
    space: Space = None,
    max_neighbors: MaxNeighbors = None,
    ef_construction: EfConstruction = None,
    ef_search: EfSearch = None,
    connection: Connection,
) -> None:
    """Make a collection for the server's embedding model; does nothing where it exists just so."""
    index: dict[str, Any] = {
        "space": space,
        "max_neighbors": max_neighbors,
        "ef_construction": ef_construction,
        "ef_search": ef_search,
    }
    with connection.open() as client:
        _print([client.retrieval.create_collection(name, **index)])


@app.command(
    epilog=examples("jarvis collections delete old --dry-run", "jarvis collections delete old --yes")
)
@connects
def delete(
    name: Name,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be deleted.")] = False,
    connection: Connection,
) -> None:
    """Delete a collection with all that is in it."""
    with connection.open() as client:
        if dry_run or not yes:
            rows = client.retrieval.get_collection(name).rows
            if dry_run:
                echo(f"would delete {name} with {rows} rows")
                return
            confirm(f"Delete {name} with {rows} rows?")
        echo(f"deleted {name} with {client.retrieval.delete_collection(name)} rows")


@app.command(epilog=examples("jarvis collections doctor default"))
@connects
def doctor(name: Name, *, connection: Connection, as_json: Json = False) -> int:
    """Search for every row of a collection by its own vector, and compare the counts.

    The exit code is 1 where something is wrong.
    """
    from jarvis.client import Diagnosis  # noqa: PLC0415

    diagnosis = None
    with connection.open() as client, bar("checking") as shown:
        for event in client.retrieval.check(name):
            if isinstance(event, Diagnosis):
                diagnosis = event
            else:
                shown(event.done, event.total)
    if diagnosis is None:
        echo("jarvis: the server ended the check without a diagnosis", err=True)
        return 1
    if as_json:
        print_json(asdict(diagnosis))
    else:
        counts = ", ".join(f"{place} {rows}" for place, rows in sorted(diagnosis.counts.items()))
        echo(f"{diagnosis.checked} rows checked, {diagnosis.unreachable} not found; rows: {counts}")
        echo("ok" if diagnosis.ok else f"not ok; to mend it: jarvis collections rebuild {name}")
    return 0 if diagnosis.ok else 1


@app.command(
    epilog=examples(
        "jarvis collections rebuild default", "jarvis collections rebuild default --ef-search 400"
    )
)
@connects
def rebuild(  # noqa: PLR0913 - one for each option
    name: Name,
    *,
    space: Space = None,
    max_neighbors: MaxNeighbors = None,
    ef_construction: EfConstruction = None,
    ef_search: EfSearch = None,
    connection: Connection,
) -> None:
    """Build a collection anew from its texts, for the server's embedding model.

    What is left out of the index settings stays as it is. Searches go on meanwhile; stopped in the middle,
    the collection stays as it was.
    """
    index: dict[str, Any] = {
        "space": space,
        "max_neighbors": max_neighbors,
        "ef_construction": ef_construction,
        "ef_search": ef_search,
    }
    with connection.open() as client:
        with bar("rebuilding") as shown:
            for event in client.retrieval.rebuild(name, **index):
                shown(event.done, event.total)
        _print([client.retrieval.get_collection(name)])


def _print(collections: "Iterable[Collection]") -> None:
    print_table(
        ("COLLECTION", "ROWS", "DIMENSION", "EMBEDDER", "SPACE", "MISMATCH"),
        ((c.name, str(c.rows), str(c.dimension), c.embedder, c.index.space, c.mismatch) for c in collections),
    )
