"""Options that several commands have."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jarvis import timeouts

if TYPE_CHECKING:
    from jarvis.client import Message, Tool

DEFAULT_TIMEOUT = 300.0
SCHEME = re.compile(r"(data|https?):", re.IGNORECASE)
"""The beginning of a text that is no path of a file."""


def input_file(name: str, meaning: str) -> Any:  # noqa: ANN401 - as typer's own
    """Return an option whose value is a readable file."""
    return typer.Option(name, exists=True, dir_okay=False, readable=True, metavar="FILE", help=meaning)


def seconds(meaning: str, *, least: float) -> Any:  # noqa: ANN401 - as typer's own
    """Return an option whose value is a time in seconds that gRPC can carry."""

    def checked(value: float | None) -> float | None:
        try:
            timeouts.check(least if value is None else value)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
        return value

    return typer.Option(min=least, metavar="SECONDS", help=meaning, callback=checked)


Timeout = Annotated[float, seconds("How long an answer may take, in seconds.", least=0.001)]
Wait = Annotated[float, seconds("How long it may take, in seconds.", least=0.001)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Model = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="The name of a model or a route; the server's default route when left out."
    ),
]
Temperature = Annotated[
    float | None, typer.Option(metavar="NUMBER", help="Randomness, from 0 (greedy) to 2.")
]
MaxTokens = Annotated[int | None, typer.Option(metavar="COUNT", help="The most tokens to generate.")]
PromptText = Annotated[
    str | None,
    typer.Argument(
        show_default=False,
        help="What to say; standard input when left out or -. What is piped in beside it goes before it.",
    ),
]
Raw = Annotated[bool, typer.Option("--raw", help="Pass the text on as it is, not as a user's message.")]
System = Annotated[str | None, typer.Option(metavar="TEXT", help="Instructions that go before the message.")]
Template = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="A prompt template's name. Left out: the one for the difficulty, but none for `ask`.",
    ),
]
NoTemplate = Annotated[bool, typer.Option("--no-template", help="Use no prompt template.")]
Difficulty = Annotated[
    int | None,
    typer.Option(min=0, max=100, metavar="NUMBER", help="How difficult it is; estimated when left out."),
]
Variables = Annotated[
    list[str] | None,
    typer.Option("--var", metavar="NAME=VALUE", help="A variable of --template; may be repeated."),
]
Language = Annotated[
    str | None,
    typer.Option(metavar="CODE", help="The template's language, such as es; the text's when left out."),
]
Seed = Annotated[int | None, typer.Option(metavar="INTEGER", help="Seed of the sampling.")]
Images = Annotated[
    list[str] | None,
    typer.Option(
        "--image",
        metavar="FILE",
        help="A PNG, JPEG or WebP file, or a data URI, to look at; may be repeated.",
    ),
]


TOOL_FIELDS: dict[str, tuple[type, ...]] = {
    "name": (str,),
    "description": (str, type(None)),
    "parameters": (dict, str, type(None)),
    "strict": (bool, type(None)),
}
"""The fields of a tool, and their types in JSON."""


def read_tools(path: Path | None) -> list["Tool"]:
    """Return the tools that a file names: a JSON array of objects with name, description and parameters.

    OpenAI's form, in which these stand under `function`, is read as well.

    Raises:
        BadParameter: the file does not have that form.
    """
    from jarvis.client import Tool  # noqa: PLC0415

    if path is None:
        return []
    form = f"{path}: needs a JSON array of objects with name, description, parameters and strict"
    try:
        given = json.loads(path.read_bytes())
        items = enumerate(given if isinstance(given, list) else [given])
        return [Tool(**_tool(position, item)) for position, item in items]
    except (ValueError, TypeError) as error:
        raise typer.BadParameter(f"{form}: {error}", param_hint="--tools") from None


def _tool(position: int, item: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return the fields of a tool, read from JSON.

    Raises:
        TypeError: telling what is wrong, and where.
    """
    tool = item.get("function", item) if isinstance(item, dict) else item
    if not isinstance(tool, dict):
        msg = f"[{position}] is no object"
        raise TypeError(msg)
    for name, value in tool.items():
        kind = TOOL_FIELDS.get(name)
        if kind is None or not isinstance(value, kind):
            msg = f"[{position}].{name} {'is of the wrong type' if kind else 'is not known'}"
            raise TypeError(msg)
    if not tool.get("name"):
        msg = f"[{position}] has no name"
        raise TypeError(msg)
    schema = tool.get("parameters")
    return {**tool, "parameters": json.dumps(schema)} if isinstance(schema, dict) else dict(tool)


def examples(*lines: str) -> str:
    """Lay out examples for the end of a command's help."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def template_options(
    template: str | None,
    no_template: bool,  # noqa: FBT001 - an option like the others
    difficulty: int | None,
    variables: Sequence[str] | None,
    language: str | None,
) -> dict[str, Any]:
    """Return the template options in the form that the client takes.

    Raises:
        BadParameter: they contradict one another, or a variable has no name or no value.
    """
    if no_template and template is not None:
        raise typer.BadParameter("give one of them", param_hint="--template and --no-template")
    values: dict[str, str] = {}
    for text in variables or ():
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise typer.BadParameter(f"{text!r} is not NAME=VALUE", param_hint="--var")
        if name in values:
            raise typer.BadParameter(f"{name!r} is given twice", param_hint="--var")
        values[name] = value
    return {
        "template": "" if no_template else template,
        "difficulty": difficulty,
        "template_variables": values,
        "language": language,
    }


def conversation(system: str | None, text: str, images: Sequence[str] | None = None) -> list["Message"]:
    """Return the messages of a first question.

    Raises:
        BadParameter: an image is no file that can be read, and no data URI.
    """
    from jarvis.client import Message, Role  # noqa: PLC0415

    before = [] if system is None else [Message(Role.SYSTEM, system)]
    return [*before, user_message(text, images)]


def user_message(text: str, images: Sequence[str] | None) -> "Message":
    """Return the user's message; see `conversation`."""
    from jarvis.client import JarvisClientError, user  # noqa: PLC0415

    try:
        return user(text, [one if SCHEME.match(one) else Path(one) for one in images or ()])
    except OSError as error:
        raise typer.BadParameter(f"{error.filename}: {error.strerror}", param_hint="--image") from None
    except JarvisClientError as error:
        raise typer.BadParameter(error.violations[0].description, param_hint="--image") from None


def text_of(path: Path | None, option: str) -> str | None:
    """Return the text of the file that an option names; None without one.

    Raises:
        BadParameter: it is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8") if path else None
    except UnicodeDecodeError:
        raise typer.BadParameter(f"{path} is not UTF-8", param_hint=option) from None
