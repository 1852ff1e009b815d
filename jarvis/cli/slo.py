"""`jarvis slo`: Prometheus rules for what is promised to callers."""

from pathlib import Path
from typing import Annotated

import typer

from jarvis.cli.options import examples
from jarvis.cli.output import write
from jarvis.cli.serve import ConfigFile, Sets

app = typer.Typer(help="Watch over what is promised to callers: the table [slo] of the configuration.")


@app.callback()
def group() -> None:
    """Keep `rules` a command of its own."""


@app.command(
    epilog=examples(
        "jarvis slo rules --output /etc/prometheus/jarvis.yml",
        "jarvis slo rules --config jarvis.toml --set slo.availability.objective=0.999",
    )
)
def rules(
    *,
    config: ConfigFile = None,
    sets: Sets = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Where to write them; standard output when left out."
        ),
    ] = None,
) -> None:
    """Print Prometheus rules: burn rates, what is left of the error budgets, and alerts.

    Alerts have the label severity: page, for what must be seen to at once, or ticket.
    """
    from jarvis.app.config import load  # noqa: PLC0415
    from jarvis.app.slo import generate  # noqa: PLC0415

    text = generate(load(config, sets or []).slo)
    if output is None:
        write(text)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        msg = f"{output} cannot be written: {error.strerror}"
        raise typer.BadParameter(msg, param_hint="--output") from None
