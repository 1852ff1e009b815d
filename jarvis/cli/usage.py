"""`jarvis usage`: what callers used."""

from dataclasses import asdict
from typing import Annotated

import typer

from jarvis.cli.connection import Connection, connects
from jarvis.cli.options import Json
from jarvis.cli.output import echo, print_json, print_table


@connects
def usage(
    *,
    days: Annotated[
        int, typer.Option(min=1, max=400, metavar="NUMBER", help="How many days, today (UTC) included.")
    ] = 1,
    caller: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Whose usage. Left out: all callers', or your own without the role observe or admin.",
        ),
    ] = None,
    connection: Connection,
    as_json: Json = False,
) -> None:
    """Show what callers used of each model, by day."""
    with connection.open() as client:
        found = client.usage(days=days, caller=caller)
    if as_json:
        print_json([asdict(one) for one in found])
    elif found:
        print_table(
            ("DAY", "CALLER", "MODEL", "REQUESTS", "PROMPT", "COMPLETION"),
            (
                (
                    one.day,
                    one.caller or "-",
                    one.model,
                    f"{one.requests:,}",
                    f"{one.prompt_tokens:,}",
                    f"{one.completion_tokens:,}",
                )
                for one in found
            ),
        )
    else:
        echo("nothing was used")
