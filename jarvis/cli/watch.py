"""`jarvis status --watch`: the state of a server, shown live."""

import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

from jarvis.cli.figures import Figure, components, figures, headline
from jarvis.cli.output import echo, escaped

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from jarvis.client import BlockingClient, JarvisClientError, ServerStatus

WIDE = 80
"""The least width of a terminal, in columns, at which the whole table of components is shown."""
COLUMNS = ("PORT", "NAME", "ADAPTER", "STATE", "ACTIVE", "RESTARTS", "MESSAGE")
NARROW_COLUMNS = ("PORT", "NAME", "STATE", "MESSAGE")
COLORS = {"ready": "green", "loading": "yellow", "draining": "yellow", "failed": "red"}
HEALTH_COLORS = {"healthy": "green", "degraded": "yellow", "unhealthy": "red", None: ""}


def watch(client: "BlockingClient", interval: float) -> None:
    """Show the state every `interval` seconds, until Ctrl-C; a server that does not answer is waited for.

    A terminal shows the state in one place, and has its earlier text back at the end; anything else gets a
    block of lines each time.
    """
    from rich.console import Console  # noqa: PLC0415 - slow to import

    console = Console(markup=False, emoji=False, highlight=False)
    looks = _looks(client, interval)
    with suppress(KeyboardInterrupt):
        if console.is_terminal and not console.is_dumb_terminal:
            _show(console, looks, interval)
        else:
            _print(looks, interval)


def _looks(client: "BlockingClient", interval: float) -> "Iterator[ServerStatus | JarvisClientError]":
    from jarvis.client import JarvisClientError  # noqa: PLC0415

    due = time.monotonic()
    while True:
        try:
            found = client.status()
        except JarvisClientError as error:
            yield error
        else:
            yield found
        due = max(due + interval, time.monotonic())
        time.sleep(due - time.monotonic())


def _print(looks: "Iterator[ServerStatus | JarvisClientError]", interval: float) -> None:
    for found in looks:
        echo(f"{datetime.now().astimezone():%Y-%m-%d %H:%M:%S}")
        for line in _lines(found, interval):
            echo(line)
        echo()


def _lines(found: "ServerStatus | JarvisClientError", interval: float) -> Iterator[str]:
    if isinstance(found, Exception):
        yield _no_answer(found, interval)
        return
    yield headline(found)
    yield from (f"{figure.label:13}{figure.value}" for figure in figures(found))
    for port, name, _, state, _, _, message in components(found):
        yield f"{port} {name}: {state}" + (f", {message}" if message else "")


def _show(console: "Console", looks: "Iterator[ServerStatus | JarvisClientError]", interval: float) -> None:
    from rich.live import Live  # noqa: PLC0415 - slow to import

    with Live(console=console, screen=True, auto_refresh=False) as live:
        for found in looks:
            live.update(_view(found, console.width, interval), refresh=True)


def _view(found: "ServerStatus | JarvisClientError", width: int, interval: float) -> "RenderableType":
    from rich.console import Group  # noqa: PLC0415 - slow to import
    from rich.text import Text  # noqa: PLC0415

    if isinstance(found, Exception):
        return Text(escaped(_no_answer(found, interval)), style="red")
    style = HEALTH_COLORS[found.health]
    return Group(
        Text(escaped(headline(found)), style=style),
        Text(),
        _figures(figures(found)),
        Text(),
        _components(components(found), narrow=width < WIDE),
        Text(),
        Text(f"every {interval:g} s; Ctrl-C ends it", style="dim"),
    )


def _figures(shown: list[Figure]) -> "RenderableType":
    from rich.table import Table  # noqa: PLC0415 - slow to import

    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column()
    for figure in shown:
        table.add_row(figure.label, escaped(figure.value), style="red" if figure.bad else None)
    return table


def _components(rows: list[tuple[str, ...]], *, narrow: bool) -> "RenderableType":
    from rich.table import Table  # noqa: PLC0415 - slow to import
    from rich.text import Text  # noqa: PLC0415

    columns = NARROW_COLUMNS if narrow else COLUMNS
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        cells: dict[str, Any] = dict(zip(COLUMNS, map(escaped, row), strict=True))
        cells["STATE"] = Text(cells["STATE"], style=COLORS[cells["STATE"]])
        table.add_row(*(cells[column] for column in columns))
    return table


def _no_answer(error: "JarvisClientError", interval: float) -> str:
    return f"no answer: {error}; asking again every {interval:g} s"
