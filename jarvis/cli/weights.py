"""`jarvis weights`: further weights (LoRA) in the engines of a running server."""

from dataclasses import asdict
from typing import Annotated

import typer

from jarvis.cli.connection import Connection, connects
from jarvis.cli.info import PROBE_TIMEOUT
from jarvis.cli.options import Json, Wait, examples
from jarvis.cli.output import echo, print_json, print_table

app = typer.Typer(
    help="Load, unload and list further weights (LoRA) of models, while the server runs.",
)

Name = Annotated[str, typer.Argument(help="What callers are to name as their model.", show_default=False)]


@app.command(epilog=examples("jarvis weights load support /srv/weights/support --base chat"))
@connects
def load(
    name: Name,
    path: Annotated[
        str,
        typer.Argument(
            help="Their folder on the server's machine, in one of its server.weights_folders.",
            show_default=False,
        ),
    ],
    *,
    base: Annotated[
        str, typer.Option(metavar="MODEL", help="The model whose engine gets them.", show_default=False)
    ],
    timeout: Wait = 600.0,
    connection: Connection,
) -> None:
    """Load weights, which callers then name as a model; they are gone when the server ends.

    On Ctrl-C, nothing stays loaded.
    """
    with connection.open(attempts=1) as client:
        client.load_weights(name, path, base=base, timeout=timeout)
    echo(f"{name} was loaded for {base}")


@app.command(epilog=examples("jarvis weights unload support"))
@connects
def unload(name: Name, *, timeout: Wait = 600.0, connection: Connection) -> None:
    """Unload weights that were loaded while the server runs; their files stay.

    New requests do not find them from then on, and those that run finish first.
    """
    with connection.open(attempts=1) as client:
        ended = client.unload_weights(name, timeout=timeout)
    echo(f"{name} was unloaded")
    if ended:
        echo(f"{ended} requests took too long to finish, and were ended", err=True)


@app.command("list", epilog=examples("jarvis weights list", "jarvis weights list --json"))
@connects
def list_weights(*, connection: Connection, as_json: Json = False) -> None:
    """List the weights that are configured, and those that were loaded since."""
    with connection.open(timeout=PROBE_TIMEOUT, attempts=1) as client:
        found = client.weights()
    if as_json:
        print_json([asdict(one) for one in found])
        return
    print_table(
        ("NAME", "BASE", "STATE", "CONFIGURED", "PATH"),
        ((one.name, one.base, one.state, "yes" if one.configured else "no", one.path) for one in found),
    )
