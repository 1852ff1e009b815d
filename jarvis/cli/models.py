"""`jarvis models`: lists models that can be named, or a server's; fetches one; and lets a server's sleep."""

from dataclasses import asdict
from typing import Annotated

import typer

from jarvis.cli.connection import Connection, connects
from jarvis.cli.options import Json, Wait, examples
from jarvis.cli.output import echo, print_json, print_table

app = typer.Typer(
    help="List the models that need no hub, and those that were fetched; fetch one. List those of a running "
    "server; put one to sleep, and wake it.",
)
CAN = {
    "tools": "tools",
    "reasoning_effort": "reasoning",
    "messages.parts.image": "images",
    "structured_output.json_schema": "structured output",
}
"""What tells models apart, by the field of requests."""


@app.command("list", epilog=examples("jarvis models list", "jarvis models list --json"))
def list_models(*, as_json: Json = False) -> None:
    """List the catalogue's models, and those fetched from Hugging Face; sizes in JSON are in bytes."""
    from jarvis.models import cache  # noqa: PLC0415 - a part of the server

    models = list(cache.models())
    if as_json:
        print_json([{**asdict(model), "folder": model.folder and str(model.folder)} for model in models])
        return
    from rich.filesize import decimal  # noqa: PLC0415 - slow to import, and only wanted here

    print_table(
        ("MODEL", "LICENSE", "SIZE", "STATE"),
        (
            (
                model.reference,
                model.license or "-",
                "-" if model.size is None else decimal(model.size),
                "ready" if model.folder else "not fetched",
            )
            for model in models
        ),
    )


@app.command(
    epilog=examples("jarvis models fetch smollm2-135m-instruct", "jarvis models fetch org/name@v1.0")
)
def fetch(
    reference: Annotated[
        str, typer.Argument(help="A name from `jarvis models list`, or a Hugging Face org/name[@revision].")
    ],
) -> None:
    """Make a model ready, and print its folder; does nothing where it is ready."""
    from rich.console import Console  # noqa: PLC0415 - slow to import, and only wanted here
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    from jarvis.models import resolve  # noqa: PLC0415 - a part of the server

    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(reference, total=None)

        def show(step: str, done: float | None) -> None:
            total = None if done is None else 1.0
            bar.update(task, description=f"{reference}: {step}", total=total, completed=done)

        folder = resolve(reference, show)
    echo(str(folder))


@app.command(epilog=examples("jarvis models served", "jarvis models served --server 10.0.0.7:50051 --json"))
@connects
def served(*, as_json: Json = False, connection: Connection) -> None:
    """List the models and routes of a running server, and what each model can do."""
    with connection.open() as client:
        found, routes = client.models(), client.routes()
    if as_json:
        print_json({"models": [asdict(one) for one in found], "routes": [asdict(one) for one in routes]})
        return
    print_table(
        ("MODEL", "STATE", "CONTEXT", "CAN"),
        (
            (
                one.name,
                one.state.lower(),
                "-" if one.context_length is None else f"{one.context_length:,}",
                ", ".join(name for field, name in CAN.items() if field in one.supported_fields) or "-",
            )
            for one in found
        ),
    )
    for route in routes:
        echo()
        default = ", which requests that name none go to" if route.is_default else ""
        echo(f"route {route.name}{default}: {', '.join(route.models)}")


Name = Annotated[str, typer.Argument(help="The model's name in `jarvis status`.")]


@app.command(epilog=examples("jarvis models sleep demo", "jarvis models sleep large --server 10.0.0.7:50051"))
@connects
def sleep(name: Name, *, timeout: Wait = 3600.0, connection: Connection) -> None:
    """Have a model of a running server release its memory, until `jarvis models wake`.

    New requests go to the other models of their route, or are refused with MODEL_ASLEEP. Those that run
    finish first; on Ctrl-C before that, the model stays awake.
    """
    with connection.open(attempts=1) as client:
        echo(f"asking that {name} be put to sleep; what runs is finished first", err=True)
        ended = client.sleep_model(name, timeout=timeout)
    echo(f"{name} sleeps; `jarvis models wake {name}` wakes it")
    if ended:
        echo(f"{ended} requests took too long to finish, and were ended", err=True)


@app.command(epilog=examples("jarvis models wake demo"))
@connects
def wake(name: Name, *, timeout: Wait = 3600.0, connection: Connection) -> None:
    """Wake a model of a running server, and wait until it is ready."""
    with connection.open(attempts=1) as client:
        echo(f"asking that {name} be woken; this ends when it is ready", err=True)
        client.wake_model(name, timeout=timeout)
    echo(f"{name} is ready")
