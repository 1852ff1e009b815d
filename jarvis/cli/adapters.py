"""`jarvis adapters`: the adapters of a running server, or those that are installed here; reloads one."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jarvis.cli.connection import Connection, connects
from jarvis.cli.info import PROBE_TIMEOUT
from jarvis.cli.options import Json, Wait, examples
from jarvis.cli.output import echo, print_json, print_table
from jarvis.cli.serve import ConfigFile

if TYPE_CHECKING:
    from jarvis.client import AdapterInfo

app = typer.Typer(invoke_without_command=True)


@app.callback()
@connects
def adapters(
    context: typer.Context,
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
    if context.invoked_subcommand:
        for name in context.params:
            source = context.get_parameter_source(name)
            if source and source.name == "COMMANDLINE":
                option = f"--{name.removeprefix('as_').replace('_', '-')}"
                raise typer.BadParameter(f"goes behind {context.invoked_subcommand}", param_hint=option)
        return
    if config and not offline:
        raise typer.BadParameter("is for --offline", param_hint="--config")
    if offline:
        found = installed(config)
    else:
        with connection.open(timeout=PROBE_TIMEOUT, attempts=1) as client:
            found = client.adapters()
    show(found, as_json=as_json)


@app.command(
    epilog=examples("jarvis adapters reload llm demo", "jarvis adapters reload embedder all-MiniLM-L6-v2")
)
@connects
def reload(
    port: Annotated[str, typer.Argument(help="What it is for: llm, embedder, reranker or cache.")],
    name: Annotated[str, typer.Argument(help="Its name in `jarvis status`.")],
    *,
    timeout: Wait = 3600.0,
    connection: Connection,
) -> None:
    """Open a new instance of a model, the embedder, the reranker or a cache, to take over from the old one.

    It has the settings that the server was started with. No request fails: the old one serves until the new
    one is well, and stays if that does not come up, or on Ctrl-C.
    """
    with connection.open(attempts=1) as client:
        echo(f"asking for a new instance of {port} {name}; this ends when it has taken over", err=True)
        ended = client.reload_adapter(port, name, timeout=timeout)
    echo(f"{port} {name} was reloaded")
    if ended:
        echo(f"{ended} requests took too long to finish with the old instance, and were ended", err=True)


def installed(config: Path | None) -> "list[AdapterInfo]":
    """Load the plugins that are installed here, except those that the configuration blocks."""
    from jarvis.app.config import load  # noqa: PLC0415
    from jarvis_plugins.loader import load_plugins  # noqa: PLC0415

    return list(load_plugins(load(config).plugins.block).listed())


def show(found: "list[AdapterInfo]", *, as_json: bool) -> None:
    """Print adapters, and why some cannot be used."""
    if as_json:
        print_json([asdict(adapter) for adapter in found])
        return
    print_table(
        ("PORT", "NAME", "STATE", "DISTRIBUTION", "VERSION", "MESSAGE"),
        ((a.port or "-", a.name, a.state, a.distribution, a.version, a.message) for a in found),
    )
