"""`jarvis backup` and `jarvis restore`."""

from pathlib import Path
from typing import Annotated

import typer

from jarvis.cli.errors import USAGE_ERROR
from jarvis.cli.output import echo
from jarvis.cli.progress import bar
from jarvis.cli.serve import ConfigFile, Sets

Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder of the backup.")]


def backup(folder: Folder, *, config: ConfigFile = None, sets: Sets = None) -> None:
    """Copy the store, the text index and the usage of a configuration into a new folder.

    A server may run on them, and goes on: only what is written to the store waits while that is copied.
    """
    from jarvis.app.backup import places  # noqa: PLC0415 - the server's modules, which a client may lack
    from jarvis.app.config import load  # noqa: PLC0415
    from jarvis.backup import take  # noqa: PLC0415

    found = places(load(config, sets or []))
    if found.store is None:
        echo(f"jarvis: the store {found.adapter} keeps its data elsewhere: back it up there", err=True)
    with bar("copying (MB)") as shown:
        take(found, folder.absolute(), shown)
    echo(f"made {folder}")


def restore(
    folder: Folder,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only check, and tell what is replaced.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the data that is there.")] = False,
    config: ConfigFile = None,
    sets: Sets = None,
) -> int:
    """Check a backup, and put it where a configuration has its data; stop the server first."""
    from jarvis.app.backup import places  # noqa: PLC0415 - as above
    from jarvis.app.config import load  # noqa: PLC0415
    from jarvis.backup import plan  # noqa: PLC0415
    from jarvis.backup import restore as put  # noqa: PLC0415

    found, backup = places(load(config, sets or [])), folder.absolute()
    with bar("checking (MB)") as shown:
        steps = plan(backup, found, shown)
    if dry_run:
        for step in steps:
            files = "1 file" if step.replaced == 1 else f"{step.replaced} files"
            replaced = f", replacing {files}" if step.replaced else ""
            echo(f"would restore {step.part} to {step.target}{replaced}")
        return 0
    if (there := [str(step.target) for step in steps if step.replaced]) and not force:
        echo(f"jarvis: there is data in {', '.join(there)}", err=True)
        echo("jarvis: nothing was restored; --dry-run tells what --force replaces", err=True)
        return USAGE_ERROR
    with bar("restoring (MB)") as shown:
        put(backup, found, shown)
    for step in steps:
        echo(f"restored {step.part} to {step.target}")
    return 0
