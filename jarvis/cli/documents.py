"""`jarvis documents`: the documents that were ingested."""

import os
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from jarvis.cli.connection import Connection, connects
from jarvis.cli.errors import USAGE_ERROR
from jarvis.cli.gone import DELETED_AT_ONCE
from jarvis.cli.options import examples
from jarvis.cli.output import confirm, echo, print_json
from jarvis.cli.retrieval_options import DEFAULT_COLLECTION, Collection, JsonLines
from jarvis.cli.walk import beginning

if TYPE_CHECKING:
    from jarvis.client import BlockingClient, StoredDocument

app = typer.Typer(help="List and delete the documents that were ingested.")

PATHS = "Files, folders with all that is below them, and addresses; they need not exist any more."
SHOWN = 20
"""The most documents that are named before the user is asked whether to delete them."""


@app.command(
    "list", epilog=examples("jarvis documents list", "jarvis documents list ~/notes --collection manuals")
)
@connects
def list_documents(
    paths: Annotated[list[str] | None, typer.Argument(metavar="[PATH...]", help=PATHS)] = None,
    *,
    collection: Collection = DEFAULT_COLLECTION,
    connection: Connection,
    as_json: JsonLines = False,
) -> int:
    """List documents with their chunks; all of the collection where no path is named.

    The exit code is 2 where there are none at the paths that are named.
    """
    none = bool(paths)
    with connection.open() as client:
        for document in _found(client, collection, paths or ()):
            none = False
            if as_json:
                print_json(asdict(document), indent=None)
            else:
                name = (
                    document.source
                    if document.id == document.source
                    else f"{document.source} ({document.id})"
                )
                echo(f"{document.chunks:6}  {name}")
    if none:
        echo(f"jarvis: collection {collection!r} has no such document; --collection names another", err=True)
    return USAGE_ERROR if none else 0


@app.command(
    epilog=examples("jarvis documents delete /mnt/old --dry-run", "jarvis documents delete notes.md --yes")
)
@connects
def delete(
    paths: Annotated[list[str], typer.Argument(metavar="PATH...", help=PATHS)],
    *,
    collection: Collection = DEFAULT_COLLECTION,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be deleted.")] = False,
    connection: Connection,
) -> int:
    """Delete documents with all their chunks. The exit code is 2 where there are none."""
    with connection.open() as client:
        found = list(_found(client, collection, paths))
        if not found:
            echo(f"jarvis: collection {collection!r} has no such document", err=True)
            return USAGE_ERROR
        if dry_run or not yes:
            for document in found if dry_run else found[:SHOWN]:
                echo(f"would delete {document.source}")
            if dry_run:
                echo(f"would delete {len(found)} documents")
                return 0
            confirm(f"Delete {len(found)} documents?")
        deleted = 0
        for start in range(0, len(found), DELETED_AT_ONCE):
            ids = [document.id for document in found[start : start + DELETED_AT_ONCE]]
            deleted += client.retrieval.delete_documents(collection, ids)
    echo(f"deleted {deleted} documents")
    return 0


def _found(client: "BlockingClient", collection: str, paths: Sequence[str]) -> "Iterator[StoredDocument]":
    """Yield the documents at or below some paths, as written or made absolute; all if there are no paths."""
    if "" in paths:
        raise typer.BadParameter("is empty", param_hint="PATH")
    names = {name for path in paths for name in (path.rstrip("/") or "/", os.path.abspath(path))}  # noqa: PTH100 - resolve() would follow links
    below = tuple(beginning(name) for name in names)
    with closing(client.retrieval.documents(collection, sorted(names))) as listed:
        for document in listed:
            if not names or document.source in names or document.source.startswith(below):
                yield document
