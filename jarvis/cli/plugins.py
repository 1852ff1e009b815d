"""`jarvis plugins`: writes a new plugin, and tells which are installed here and whether they load."""

from pathlib import Path
from typing import Annotated

import typer

from jarvis.cli.adapters import installed, show
from jarvis.cli.errors import RUN_TIME_FAILURE
from jarvis.cli.options import Json, examples
from jarvis.cli.output import echo, print_json, print_table
from jarvis.cli.serve import ConfigFile

OWN = "jarvis-server"

app = typer.Typer(help="Write a plugin, and look at those that are installed here. No server is asked.")


@app.command(
    epilog=examples(
        "jarvis plugins new acme-chat --port llm",
        "jarvis plugins new acme-rows --port store --directory ~/src",
    )
)
def new(
    name: Annotated[str, typer.Argument(help="The package's name, which is also the adapter's.")],
    *,
    port: Annotated[
        str,
        typer.Option(
            metavar="PORT",
            help="What the adapter is for: llm, embedder, reranker, store, cache, estimator or telemetry.",
        ),
    ],
    directory: Annotated[
        Path, typer.Option("--directory", "-d", metavar="DIR", help="Where to make the folder NAME.")
    ] = Path(),
) -> None:
    """Write a small package whose adapter works, with its tests, for you to put your own in its place."""
    from jarvis_plugins.registry import PortName  # noqa: PLC0415
    from jarvis_plugins.scaffold import Refused, write  # noqa: PLC0415

    if port not in {*PortName}:
        raise typer.BadParameter(f"{port!r} is none of {', '.join(PortName)}", param_hint="--port")
    try:
        written = write(name, PortName(port), directory)
    except Refused as error:
        raise typer.BadParameter(str(error), param_hint="NAME") from None
    except OSError as error:
        msg = f"{directory / name} cannot be written: {error.strerror}"
        raise typer.BadParameter(msg, param_hint="--directory") from None
    for path in written:
        echo(str(path))
    folder = directory / name
    echo(f"jarvis: next: pip install -e '{folder}[test]' && pytest {folder}", err=True)


@app.command("list", epilog=examples("jarvis plugins list", "jarvis plugins list --json"))
def list_(*, config: ConfigFile = None, as_json: Json = False) -> None:
    """List the distributions with plugins, and the adapters that each brings."""
    found: dict[tuple[str, str], dict[str, list[str]]] = {}
    for one in installed(config):
        adapters = found.setdefault((one.distribution, one.version), {})
        adapters.setdefault(one.port or "not loaded", []).append(one.name)
    if as_json:
        print_json(
            [
                {"distribution": name, "version": version, "adapters": its}
                for (name, version), its in found.items()
            ]
        )
        return
    print_table(
        ("DISTRIBUTION", "VERSION", "ADAPTERS"),
        (
            (name, version, "; ".join(f"{port}: {', '.join(names)}" for port, names in its.items()))
            for (name, version), its in sorted(found.items())
        ),
    )


@app.command(epilog=examples("jarvis plugins check", "jarvis plugins check acme-chat --json"))
def check(
    name: Annotated[
        str | None, typer.Argument(help="A distribution; all but the server's own when left out.")
    ] = None,
    *,
    config: ConfigFile = None,
    as_json: Json = False,
) -> int:
    """Load plugins, and say why an adapter of theirs cannot be used; the exit code is then 1."""
    everything = installed(config)
    found = [one for one in everything if (one.distribution == name if name else one.distribution != OWN)]
    if name and not found:
        there = ", ".join(sorted({one.distribution for one in everything}))
        raise typer.BadParameter(f"no plugin of {name!r} is installed; installed: {there}", param_hint="NAME")
    show(found, as_json=as_json)
    return RUN_TIME_FAILURE if any(one.state in {"failed", "incompatible"} for one in found) else 0
