"""`jarvis health` and `status`: what a running server says about itself."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from jarvis.cli.connection import Connection, connects
from jarvis.cli.figures import components, figures, headline
from jarvis.cli.options import Json, seconds
from jarvis.cli.output import echo, print_json, print_table, write
from jarvis.cli.watch import COLUMNS, watch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jarvis.client import RouteInfo, ServerStatus

PROBE_TIMEOUT = 10.0
WATCH_INTERVAL = 2.0


@connects
def health(
    service: Annotated[
        str, typer.Argument(help="A service's full name; the whole server when left out.")
    ] = "",
    *,
    connection: Connection,
) -> int:
    """Ask the standard health service.

    The exit code is 0 for SERVING, and 1 for anything else.
    """
    with connection.open(timeout=PROBE_TIMEOUT, attempts=1) as client:
        status = client.health(service)
    echo(status.value)
    return 0 if status == "SERVING" else 1


@connects
def status(
    *,
    live: Annotated[bool, typer.Option("--watch", help="Show it live, until Ctrl-C.")] = False,
    interval: Annotated[
        float | None,
        seconds(
            f"How often --watch asks the server; every {WATCH_INTERVAL:g} seconds when left out.", least=0.1
        ),
    ] = None,
    connection: Connection,
    as_json: Json = False,
) -> None:
    """Show how a server fares: its health, the last minute, error budgets, and what it is made of.

    Rates and times are those of the last 60 seconds; error budgets are counted since the server's start.
    With --watch, a server that does not answer is waited for.
    """
    if interval is not None and not live:
        raise typer.BadParameter("is for --watch", param_hint="--interval")
    if live and as_json:
        raise typer.BadParameter("give one of them", param_hint="--watch and --json")
    with connection.open(timeout=PROBE_TIMEOUT, attempts=1) as client:
        if live:
            watch(client, interval or WATCH_INTERVAL)
            return
        found, routes = client.status(), client.routes()
    if as_json:
        print_json({**asdict(found), "routes": [asdict(route) for route in routes]})
    else:
        _print_status(found, routes)


def _print_status(found: "ServerStatus", routes: "Sequence[RouteInfo]") -> None:
    echo(headline(found))
    echo()
    for figure in figures(found):
        echo(f"{figure.label:13}{figure.value}")
    write("\n")
    print_table(COLUMNS, components(found))
    if routes and len(found.models) > 1:
        write("\n")
        print_table(
            ("ROUTE", "MODELS", "FALLBACK", "DEFAULT"),
            ((r.name, ", ".join(r.models), r.fallback or "-", "yes" if r.is_default else "") for r in routes),
        )
    notes = [(m.name, m.notes) for m in found.models] + [(c.name, c.notes) for c in found.components]
    for name, noted in notes:
        for note in noted:
            echo()
            echo(f"{name}: {note}")
