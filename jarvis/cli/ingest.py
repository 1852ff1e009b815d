"""`jarvis ingest`."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jarvis.cli.ingest_report import Report
from jarvis.cli.options import DEFAULT_SERVER, Server, TLSAuthority, connect
from jarvis.cli.retrieval_options import DEFAULT_COLLECTION, Collection, JsonLines
from jarvis.cli.walk import Listing, walk

if TYPE_CHECKING:
    from jarvis.client import BlockingClient, Document

STDIN = "-"


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
            "--prune", help="Delete the documents of these folders that are not among what was sent just now."
        ),
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
    source: Annotated[
        str | None, typer.Option(metavar="NAME", help="What to call standard input, such as notes.md.")
    ] = None,
    server: Server = DEFAULT_SERVER,
    tls_ca: TLSAuthority = None,
    as_json: JsonLines = False,
) -> int:
    """Read documents, and store them in chunks that can be searched.

    What is stored and unchanged costs next to nothing. Of folders the files are taken whose ending is known;
    hidden ones are not. The exit code is 1 where a document failed.
    """
    folders, listing = _listed(paths, include or [], source, prune=prune)
    prefixes = [os.path.join(folder, "") for folder in folders] if prune else []  # noqa: PTH118 - Path has no last /
    if prefixes and listing.unlisted:
        typer.echo("jarvis: nothing is pruned, as not every folder could be listed", err=True)
        prefixes = []
    problems: dict[str, str] = {}
    report = Report(len(listing.files), problems, as_json=as_json, dry_run=dry_run)
    for path, why in listing.failures.items():
        report.fail(path, why)
    with connect(server, tls_ca) as client:
        if not dry_run:
            _make(client, collection)
        results = client.retrieval.ingest(
            collection,
            _documents(list(listing.files), source, problems),
            prune=prefixes,
            chunk_tokens=chunk_tokens,
            chunk_overlap=chunk_overlap,
            language=language,
            dry_run=dry_run,
        )
        with closing(results):
            finished = report.follow(results)
    report.finish(finished, listing.skipped)
    return 1 if report.counts["failed"] else 0


def _listed(
    paths: Sequence[str], include: Sequence[str], source: str | None, *, prune: bool
) -> tuple[list[str], Listing]:
    named = [Path(path) for path in paths if path != STDIN]
    for path in named:
        if not path.exists():
            raise typer.BadParameter(f"{path} does not exist", param_hint="PATH")
    folders = [os.path.abspath(path) for path in named if path.is_dir()]  # noqa: PTH100 - resolve() would follow links
    if (STDIN in paths) != (source is not None):
        raise typer.BadParameter("goes with the PATH -, and the PATH - with it", param_hint="--source")
    if prune and not folders:
        raise typer.BadParameter("prunes folders, and none is named", param_hint="--prune")
    listing = walk(named, include)
    if STDIN in paths:
        listing.files[Path(STDIN)] = None
    return folders, listing


def _make(client: "BlockingClient", collection: str) -> None:
    """Make the collection where there is none."""
    from jarvis.client import JarvisClientError  # noqa: PLC0415

    try:
        client.retrieval.get_collection(collection)
    except JarvisClientError as error:
        if error.reason != "COLLECTION_NOT_FOUND":
            raise
        client.retrieval.create_collection(collection)


def _documents(files: Sequence[Path], source: str | None, problems: dict[str, str]) -> "Iterator[Document]":
    """Read files as they are sent.

    One that cannot be read is sent empty: the server keeps what it has of it, and prunes nothing of it.
    """
    from jarvis.client import Document  # noqa: PLC0415

    for file in files:
        if source is not None and str(file) == STDIN:
            yield Document(source, sys.stdin.buffer.read())
            continue
        try:
            data = file.read_bytes()
        except OSError as error:
            problems[str(file)] = error.strerror or str(error)
            data = b""
        yield Document(str(file), data)
