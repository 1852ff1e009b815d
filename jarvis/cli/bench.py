"""`jarvis bench`."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jarvis.cli.connection import Connection, connects
from jarvis.cli.errors import INTERRUPTED
from jarvis.cli.options import DEFAULT_TIMEOUT, Json, Model, Timeout, input_file, text_of
from jarvis.cli.output import echo, print_json, print_table
from jarvis.cli.progress import Show, bar

if TYPE_CHECKING:
    from jarvis.load import Measured, Plan, Summary

CALLERS = 8
"""How many requests run at a time, unless the caller says otherwise."""
BARS, WIDTH = 10, 40
"""How many bars the plot has, and how many characters the longest."""


@connects
def bench(  # noqa: PLR0913 - one for each option
    *,
    concurrency: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="COUNT",
            help=f"Requests at a time, one after another by each caller; {CALLERS} when left out.",
        ),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(
            min=0.001, metavar="NUMBER", help="In its place: requests a second, whether answered or not."
        ),
    ] = None,
    seconds: Annotated[float, typer.Option(min=0.1, metavar="SECONDS", help="How long to measure.")] = 30.0,
    warm_up: Annotated[
        float, typer.Option(min=0.0, metavar="SECONDS", help="How long before that, which does not count.")
    ] = 3.0,
    prompts: Annotated[
        Path | None,
        input_file("--prompts", "Prompts, one a line, drawn at random; random words when left out."),
    ] = None,
    prompt_words: Annotated[
        int, typer.Option(min=1, metavar="COUNT", help="How many random words a prompt has.")
    ] = 32,
    max_tokens: Annotated[int, typer.Option(min=1, metavar="COUNT", help="Tokens of each answer.")] = 128,
    ignore_eos: Annotated[
        bool, typer.Option("--ignore-eos/--no-ignore-eos", help="Whether each answer has all of them.")
    ] = True,
    seed: Annotated[
        int, typer.Option(metavar="NUMBER", help="Decides the prompts, and when they are sent.")
    ] = 0,
    model: Model = None,
    as_json: Json = False,
    timeout: Timeout = DEFAULT_TIMEOUT,
    connection: Connection,
) -> None:
    """Load a running server with requests for answers, and tell how fast it was.

    Ctrl-C ends it early, with what was measured until then.
    """
    from jarvis.load import Plan, summary  # noqa: PLC0415

    if concurrency and rate:
        raise typer.BadParameter("give one of them", param_hint="--concurrency and --rate")
    plan = Plan(
        concurrency=concurrency or CALLERS,
        rate=rate,
        seconds=seconds,
        warm_up=warm_up,
        prompts=_lines(prompts),
        prompt_words=prompt_words,
        max_tokens=max_tokens,
        ignore_eos=ignore_eos,
        model=model,
        seed=seed,
    )
    found: list[Measured] = []
    given_up, interrupted = 0, False
    try:
        given_up = asyncio.run(_load(connection, plan, found, timeout))
    except KeyboardInterrupt:
        interrupted = True
    lasted = max((one.began + one.seconds for one in found), default=0.0) if interrupted else seconds
    lasted = lasted or seconds
    total = summary(found, lasted, given_up)
    if as_json:
        print_json(
            {"plan": asdict(plan), "summary": asdict(total), "requests": [asdict(one) for one in found]}
        )
    elif interrupted and not found:
        echo("jarvis: nothing was measured yet", err=True)
    else:
        _show(total, found, lasted)
    if interrupted or not total.answered:
        raise typer.Exit(INTERRUPTED if interrupted else 1)


def _lines(path: Path | None) -> tuple[str, ...]:
    lines = tuple(line for line in (text_of(path, "--prompts") or "").splitlines() if line.strip())
    if path and not lines:
        raise typer.BadParameter(f"{path} has no prompt", param_hint="--prompts")
    return lines


async def _load(connection: Connection, plan: "Plan", found: "list[Measured]", timeout: float) -> int:  # noqa: ASYNC109 - of each call
    from jarvis.client import JarvisClient  # noqa: PLC0415
    from jarvis.load import load  # noqa: PLC0415

    client: JarvisClient = connection.opened(JarvisClient, timeout=timeout, attempts=1)
    async with client:
        await client.count_tokens("one", model=plan.model)  # whether it is there, and lets this caller in
        with bar("measuring") as show:
            showing = asyncio.create_task(_progress(show, plan.warm_up + plan.seconds))
            try:
                return await load(client, plan, found.append)
            finally:
                showing.cancel()


async def _progress(show: Show, seconds: float) -> None:
    for second in range(int(seconds) + 1):
        show(second, int(seconds))
        await asyncio.sleep(1)


def _show(total: "Summary", found: "Sequence[Measured]", seconds: float) -> None:
    rate, prompts = total.requests_per_second, total.prompt_tokens_per_second
    echo(f"measured {seconds:.1f} s: {total.answered} requests answered, {rate:.1f} requests/s")
    echo(f"output {total.tokens_per_second:,.0f} tokens/s, prompts {prompts:,.0f} tokens/s")
    for what, times in sorted(total.failed.items()):
        echo(f"{times} failed: {what}: {total.messages[what]}")
    if total.given_up:
        echo(f"{total.given_up} still ran at the end, and were given up; they do not count")
    named = ("first token", total.first_token), ("each token", total.each_token), ("answer", total.answer)
    rows = [(name, *(_milliseconds(one) for one in asdict(each).values())) for name, each in named if each]
    if rows:
        echo()
        print_table(("MILLISECONDS", "P50", "P95", "P99", "MOST"), rows)
        echo()
        echo("answers by milliseconds:")
        for line in _plot([one.seconds * 1000 for one in found if one.code == "OK"]):
            echo(line)


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:,.1f}"


def _plot(values: Sequence[float]) -> Iterator[str]:
    """Yield a line for each of `BARS` ranges of equal width, with a bar for how many values are in it.

    Values that are all the same are one range.
    """
    least, most = min(values), max(values)
    bars = BARS if most > least else 1
    width = (most - least) / bars
    counts = [0] * bars
    for value in values:
        counts[min(bars - 1, int((value - least) / width)) if width else 0] += 1
    for number, count in enumerate(counts):
        begin = least + number * width
        bar_ = "#" * round(WIDTH * count / max(counts))
        yield f"{begin:10,.1f} to {begin + width:10,.1f}  {count:6}  {bar_}".rstrip()
