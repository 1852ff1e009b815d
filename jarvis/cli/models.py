"""`jarvis models`: lists the models that can be named, and fetches one."""

from dataclasses import asdict
from typing import Annotated

import typer

from jarvis.cli.options import Json, examples
from jarvis.cli.output import echo, print_json, print_table

app = typer.Typer(
    no_args_is_help=True, help="List the models that need no hub, and those that were fetched; fetch one."
)


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
