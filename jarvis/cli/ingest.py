"""`jarvis ingest`."""

import os
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jarvis.cli.connection import Connection, connects
from jarvis.cli.gone import Gone
from jarvis.cli.ingest_report import Report
from jarvis.cli.output import echo
from jarvis.cli.retrieval_options import DEFAULT_COLLECTION, Collection, JsonLines
from jarvis.cli.sending import STDIN, documents
from jarvis.cli.walk import Listing, walk

if TYPE_CHECKING:
    from jarvis.client import BlockingClient
    from jarvis.client import Collection as Found


@connects
def ingest(  # noqa: PLR0913 - one for each option
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH...", help="Files, and folders with all that is in them; - is standard input."
        ),
    ],
    *,
    collection: Collection = DEFAULT_COLLECTION,
    prune: Annotated[
        bool,
        typer.Option(
            "--prune",
            help="Delete the documents of these folders that are not among what was sent just now; of those "
            "that --include would take, where it is given.",
        ),
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Prune also where that is more than half, without asking.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be done.")] = False,
    chunk_tokens: Annotated[
        int | None,
        typer.Option(metavar="COUNT", help="The most tokens of a chunk; the server's default when left out."),
    ] = None,
    chunk_overlap: Annotated[
        int | None, typer.Option(metavar="COUNT", help="Tokens that a chunk shares with the one before.")
    ] = None,
    include: Annotated[
        list[str] | None,
        typer.Option(metavar="GLOB", help="Take the files of folders that match; may be repeated."),
    ] = None,
    language: Annotated[
        str | None,
        typer.Option(
            metavar="TAG",
            help="What the documents are written in, such as es: tells the encoding where nothing else does.",
        ),
    ] = None,
    no_ignore: Annotated[
        bool,
        typer.Option(
            "--no-ignore", help="Take what is hidden, what .gitignore names, packages and caches as well."
        ),
    ] = False,
    source: Annotated[
        str | None, typer.Option(metavar="NAME", help="What to call standard input, such as notes.md.")
    ] = None,
    connection: Connection,
    as_json: JsonLines = False,
) -> int:
    """Read documents, and store them in chunks that can be searched.

    What is stored and unchanged costs next to nothing. Of folders the files are taken whose ending is known,
    but not what is hidden, what Git ignores, packages (node_modules) and caches. A file that was moved within
    them is known by its content, and one that was emptied loses its old text. The exit code is 1 where a
    document failed, where nothing was taken from a folder, and where pruning was not confirmed.
    """
    folders, listing = _listed(paths, include or [], source, prune=prune, ignore=not no_ignore)
    report = Report(listing, as_json=as_json, dry_run=dry_run)
    agreed = True
    with connection.open() as client:
        found = _collection(client, collection, dry_run=dry_run)
        if found is None:
            report.would_make(collection)
        else:
            results = client.retrieval.ingest(
                collection,
                documents(list(listing.files), source, found.max_document_bytes),
                chunk_tokens=chunk_tokens,
                chunk_overlap=chunk_overlap,
                language=language,
                dry_run=dry_run,
            )
            with closing(results):
                finished = report.follow(results)
            gone = Gone(client, collection, folders, report, dry_run)
            if not listing.unlisted:
                gone.delete_moved()
                agreed = not prune or gone.prune(include or [], agreed=yes or dry_run)
            elif prune:
                echo("jarvis: nothing is pruned, as not every folder could be listed", err=True)
            report.finish(finished)
    bare = [] if prune and yes else listing.bare
    for folder in bare:
        echo(f"jarvis: nothing was taken from {folder}", err=True)
    return 1 if report.counts["failed"] or bare or not agreed else 0


def _listed(
    paths: Sequence[str], include: Sequence[str], source: str | None, *, prune: bool, ignore: bool
) -> tuple[list[str], Listing]:
    if "" in paths:
        raise typer.BadParameter("is empty", param_hint="PATH")
    named = [Path(path) for path in paths if path != STDIN]
    for path in named:
        try:
            path.stat()
        except FileNotFoundError:
            hint = "if it was deleted, jarvis documents delete removes what is stored of it"
            raise typer.BadParameter(f"{path} does not exist; {hint}", param_hint="PATH") from None
        except (OSError, ValueError) as error:
            raise typer.BadParameter(f"{path}: {error}", param_hint="PATH") from None
    folders = [os.path.abspath(path) for path in named if path.is_dir()]  # noqa: PTH100 - resolve() would follow links
    if STDIN in paths and source is None:
        raise typer.BadParameter("what is read from - needs a name: set --source", param_hint="PATH")
    if source is not None and STDIN not in paths:
        raise typer.BadParameter("names what the PATH - reads, which is missing", param_hint="--source")
    if prune and not folders:
        raise typer.BadParameter("prunes folders, and none is named", param_hint="--prune")
    listing = walk(named, include, ignore=ignore)
    if STDIN in paths:
        listing.files[Path(STDIN)] = None
    return folders, listing


def _collection(client: "BlockingClient", name: str, *, dry_run: bool) -> "Found | None":
    """Return a collection; where there is none, make it, or return None in a dry run."""
    from jarvis.client import JarvisClientError  # noqa: PLC0415

    try:
        return client.retrieval.get_collection(name)
    except JarvisClientError as error:
        if error.reason != "COLLECTION_NOT_FOUND":
            raise
        return None if dry_run else client.retrieval.create_collection(name)
