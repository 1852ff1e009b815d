"""`jarvis adapters`: the adapters of a running server, or those that are installed here."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jarvis.cli.connection import Connection, connects
from jarvis.cli.info import PROBE_TIMEOUT
from jarvis.cli.options import Json
from jarvis.cli.output import print_json, print_table
from jarvis.cli.serve import ConfigFile

if TYPE_CHECKING:
    from jarvis.client import AdapterInfo


@connects
def adapters(
    *,
    offline: Annotated[
        bool, typer.Option("--offline", help="List what is installed here; no server is asked.")
    ] = False,
    config: ConfigFile = None,
    connection: Connection,
    as_json: Json = False,
) -> None:
    """List the server's adapters, or with --offline those that `jarvis serve` would find here.

    Plugins that did not load stand among them, with the reason.
    """
    if config and not offline:
        raise typer.BadParameter("is for --offline", param_hint="--config")
    if offline:
        found = _installed(config)
    else:
        with connection.open(timeout=PROBE_TIMEOUT, attempts=1) as client:
            found = client.adapters()
    if as_json:
        print_json([asdict(adapter) for adapter in found])
        return
    print_table(
        ("PORT", "NAME", "STATE", "DISTRIBUTION", "VERSION", "MESSAGE"),
        ((a.port or "-", a.name, a.state, a.distribution, a.version, a.message) for a in found),
    )


def _installed(config: Path | None) -> "list[AdapterInfo]":
    """Load the plugins that are installed here, except those that the configuration blocks."""
    from jarvis.app.config import load  # noqa: PLC0415
    from jarvis_plugins.loader import load_plugins  # noqa: PLC0415

    return list(load_plugins(load(config).plugins.block).listed())
