"""`jarvis chat`."""

import contextlib
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jarvis.cli.connection import Connection, connects
from jarvis.cli.options import (
    DEFAULT_TIMEOUT,
    Difficulty,
    Images,
    Language,
    MaxTokens,
    Model,
    NoTemplate,
    Seed,
    Temperature,
    Template,
    Timeout,
    Variables,
    input_file,
    read_tools,
    template_options,
    user_message,
)
from jarvis.cli.output import deltas, echo, write

if TYPE_CHECKING:
    from jarvis.client import BlockingClient, Event, Message, ToolCall


@connects
def chat(  # noqa: PLR0913 - one for each option
    *,
    system: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Instructions that hold for the whole conversation.")
    ] = None,
    images: Images = None,
    model: Model = None,
    template: Template = None,
    no_template: NoTemplate = False,
    difficulty: Difficulty = None,
    variables: Variables = None,
    language: Language = None,
    temperature: Temperature = None,
    max_tokens: MaxTokens = None,
    seed: Seed = None,
    tools: Annotated[
        Path | None,
        input_file("--tools", "Tools that the model may call: a JSON array; see the docs on tools."),
    ] = None,
    timeout: Timeout = DEFAULT_TIMEOUT,
    connection: Connection,
) -> None:
    """Talk with a model, a line each. Ctrl-C stops an answer, Ctrl-D leaves.

    Images go with the first line that is answered. Where the model calls a tool, the next line is the result
    that it gets.
    """
    options: dict[str, Any] = {
        "model": model,
        "temperature": temperature,
        "max_tokens": max_tokens,
        "seed": seed,
        "tools": read_tools(tools),
        **template_options(template, no_template, difficulty, variables, language),
    }
    from jarvis.client import Message, Role  # noqa: PLC0415

    kept = [Message(Role.SYSTEM, system)] if system is not None else []
    said: list[Message] = []
    calls: list[ToolCall] = []
    interactive = sys.stdin.isatty()
    with connection.open(timeout=timeout) as client:
        for line in _typed(calls) if interactive else sys.stdin:
            text = line.rstrip("\n")
            if calls:
                said.append(Message(Role.TOOL, text, tool_call_id=calls.pop(0).id))
            elif text:
                said = [user_message(text, images)]
            if calls or not said:
                continue
            answer = _answer(client, [*kept, *said], options, interactive=interactive)
            if answer is None or not (answer.content or answer.tool_calls):
                said = []
                continue
            said.append(answer)
            calls += answer.tool_calls
            if not calls:
                kept += said
                said, images = [], None


def _typed(calls: "Sequence[ToolCall]") -> Iterator[str]:
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401, PLC0415 - gives input() line editing and a history
    while True:
        try:
            yield input(f"{calls[0].name} gives> " if calls else "> ")
        except KeyboardInterrupt:
            write("\n(Ctrl-D leaves)\n")
        except EOFError:
            write("\n")
            return


def _answer(
    client: "BlockingClient",
    conversation: "list[Message]",
    options: dict[str, Any],
    *,
    interactive: bool,
) -> "Message | None":
    """Print an answer as it comes, and return it; an interactive chat survives Ctrl-C or a failure.

    What Ctrl-C leaves of an answer is its text.
    """
    from jarvis.client import Choice, Delta, Finished, JarvisClientError, Message, Role  # noqa: PLC0415

    events: list[Event] = []
    stream = client.stream(conversation, **options)
    try:
        with contextlib.closing(stream):
            for text in deltas(_kept(stream, events)):
                write(text)
    except KeyboardInterrupt:
        if not interactive:
            raise
    except JarvisClientError as error:
        if not interactive:
            raise
        echo(f"jarvis: {error}", err=True)
        return None
    write("\n")
    parts = [event for event in events if isinstance(event, Delta)]
    if events and isinstance(events[-1], Finished):
        return Choice.joined(parts, events[-1]).message
    return Message(Role.ASSISTANT, "".join(part.text for part in parts))


def _kept(stream: "Iterable[Event]", events: "list[Event]") -> "Iterator[Event]":
    """Yield the events of a stream, and keep them in a list."""
    for event in stream:
        events.append(event)
        yield event
