"""`jarvis health`, `status` and `adapters`: what a running server tells of itself."""

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from jarvis.cli.options import DEFAULT_SERVER, Json, Server, TLSAuthority, connect
from jarvis.cli.output import print_json, print_table, write

if TYPE_CHECKING:
    from jarvis.client import ModelStatus

PROBE_TIMEOUT = 10.0


def health(
    service: Annotated[
        str, typer.Argument(help="A service's full name; the whole server when left out.")
    ] = "",
    *,
    server: Server = DEFAULT_SERVER,
    tls_ca: TLSAuthority = None,
) -> int:
    """Ask the standard health service.

    The exit code is 0 for SERVING, and 1 for anything else.
    """
    with connect(server, tls_ca, timeout=PROBE_TIMEOUT, attempts=1) as client:
        status = client.health(service)
    typer.echo(status.value)
    return 0 if status == "SERVING" else 1


def status(*, server: Server = DEFAULT_SERVER, tls_ca: TLSAuthority = None, as_json: Json = False) -> None:
    """Show the state of the server, of its models, and of what stands beside them; and its routes."""
    with connect(server, tls_ca, timeout=PROBE_TIMEOUT, attempts=1) as client:
        found, routes = client.status(), client.routes()
    if as_json:
        print_json({**asdict(found), "routes": [asdict(route) for route in routes]})
        return
    uptime = timedelta(seconds=round(found.uptime_seconds))
    typer.echo(
        f"jarvis {found.version}: {found.state}, up {uptime}, {found.active_requests} active requests\n"
    )
    rows = [
        ("model", m.name, m.adapter, m.state, str(m.active_requests), str(m.restarts), _message(m))
        for m in found.models
    ]
    rows += [(c.port, c.name, c.adapter, c.state, "-", str(c.restarts), c.message) for c in found.components]
    print_table(("PORT", "NAME", "ADAPTER", "STATE", "ACTIVE", "RESTARTS", "MESSAGE"), rows)
    if len(found.models) > 1:
        write("\n")
        print_table(
            ("ROUTE", "MODELS", "FALLBACK", "DEFAULT"),
            ((r.name, ", ".join(r.models), r.fallback or "-", "yes" if r.is_default else "") for r in routes),
        )
    notes = [(m.name, m.notes) for m in found.models] + [(c.name, c.notes) for c in found.components]
    for name, noted in notes:
        for note in noted:
            typer.echo(f"\n{name}: {note}")


def _message(model: "ModelStatus") -> str:
    circuit = "tried last: kept failing" if model.circuit_open else ""
    return "; ".join(part for part in (model.message, circuit) if part)


def adapters(*, server: Server = DEFAULT_SERVER, tls_ca: TLSAuthority = None, as_json: Json = False) -> None:
    """List the server's adapters.

    Plugins that did not load stand among them, with the reason.
    """
    with connect(server, tls_ca, timeout=PROBE_TIMEOUT, attempts=1) as client:
        found = client.adapters()
    if as_json:
        print_json([asdict(adapter) for adapter in found])
        return
    print_table(
        ("PORT", "NAME", "STATE", "DISTRIBUTION", "VERSION", "MESSAGE"),
        ((a.port or "-", a.name, a.state, a.distribution, a.version, a.message) for a in found),
    )
