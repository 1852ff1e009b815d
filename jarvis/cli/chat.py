"""`jarvis chat`."""

import contextlib
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jarvis.cli.connection import Connection, connects
from jarvis.cli.options import (
    DEFAULT_TIMEOUT,
    Difficulty,
    Language,
    MaxTokens,
    Model,
    NoTemplate,
    Seed,
    Temperature,
    Template,
    Timeout,
    Variables,
    template_options,
)
from jarvis.cli.output import deltas, echo, write

if TYPE_CHECKING:
    from jarvis.client import BlockingClient


@connects
def chat(  # noqa: PLR0913 - one for each option
    *,
    system: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Instructions that hold for the whole conversation.")
    ] = None,
    model: Model = None,
    template: Template = None,
    no_template: NoTemplate = False,
    difficulty: Difficulty = None,
    variables: Variables = None,
    language: Language = None,
    temperature: Temperature = None,
    max_tokens: MaxTokens = None,
    seed: Seed = None,
    timeout: Timeout = DEFAULT_TIMEOUT,
    connection: Connection,
) -> None:
    """Talk with a model, a line each. Ctrl-C stops an answer, Ctrl-D leaves."""
    options: dict[str, Any] = {
        "model": model,
        "temperature": temperature,
        "max_tokens": max_tokens,
        "seed": seed,
        **template_options(template, no_template, difficulty, variables, language),
    }
    conversation = [{"role": "system", "content": system}] if system is not None else []
    interactive = sys.stdin.isatty()
    with connection.open(timeout=timeout) as client:
        for line in _typed() if interactive else sys.stdin:
            question = {"role": "user", "content": line.rstrip("\n")}
            if question["content"]:
                answer = _answer(client, [*conversation, question], options, interactive=interactive)
                if answer:
                    conversation += [question, {"role": "assistant", "content": answer}]


def _typed() -> Iterator[str]:
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401, PLC0415 - gives input() line editing and a history
    while True:
        try:
            yield input("> ")
        except KeyboardInterrupt:
            write("\n(Ctrl-D leaves)\n")
        except EOFError:
            write("\n")
            return


def _answer(
    client: "BlockingClient",
    conversation: list[dict[str, str]],
    options: dict[str, Any],
    *,
    interactive: bool,
) -> str:
    """Print an answer as it comes, and return it; an interactive chat survives Ctrl-C or a failure."""
    from jarvis.client import JarvisClientError  # noqa: PLC0415

    answer = ""
    stream = client.stream(conversation, **options)
    try:
        with contextlib.closing(stream):
            for text in deltas(stream):
                answer += text
                write(text)
    except KeyboardInterrupt:
        if not interactive:
            raise
    except JarvisClientError as error:
        if not interactive:
            raise
        echo(f"jarvis: {error}", err=True)
        return ""
    write("\n")
    return answer
