"""Progress bars on the terminal."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Show = Callable[[float, float | None], None]
"""A function that takes the amount done and the total, which may be unknown."""


@contextmanager
def bar(description: str, *, hidden: bool = False) -> Iterator[Show]:
    """Show a bar on standard error, if that is a terminal, while the block runs; yield its `Show`."""
    from rich.console import Console  # noqa: PLC0415 - slow to import
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    console = Console(stderr=True, soft_wrap=True)  # the terminal wraps what is printed above the bar
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(
        *columns,
        console=console,
        transient=True,
        disable=hidden or not console.is_terminal,
        redirect_stdout=sys.stdout.isatty(),  # otherwise rich would divert piped output to standard error
    ) as progress:
        task = progress.add_task(description, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
