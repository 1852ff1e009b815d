"""`jarvis serve`."""

from pathlib import Path
from typing import Annotated

import typer

from jarvis.cli.interrupts import importing

ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", "-c", metavar="FILE", help="The configuration; jarvis.toml when left out."),
]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", "-s", metavar="KEY=VALUE", help="Override a setting; may be repeated."),
]


def serve(*, config: ConfigFile = None, sets: Sets = None) -> int:
    """Serve the configured models over gRPC, until SIGTERM or Ctrl-C."""
    with importing():
        import uvloop  # noqa: PLC0415

        from jarvis.app.bootstrap import serve as run  # noqa: PLC0415
        from jarvis.app.config import load  # noqa: PLC0415

    return uvloop.run(run(load(config, sets or [])))
