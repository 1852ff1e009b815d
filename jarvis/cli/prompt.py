"""`jarvis prompt`: what a prompt becomes before a model answers."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from jarvis.cli import question
from jarvis.cli.connection import Connection, connects
from jarvis.cli.options import (
    Difficulty,
    Images,
    Json,
    Language,
    Model,
    NoTemplate,
    PromptText,
    Raw,
    System,
    Template,
    Variables,
    examples,
    template_options,
)
from jarvis.cli.output import echo, print_json, print_table

if TYPE_CHECKING:
    from jarvis.client import PromptExplanation

app = typer.Typer(help="See what a prompt becomes before a model answers.")


@app.command(
    epilog=examples(
        "jarvis prompt explain 'What is a mutex?'",
        "jarvis prompt explain --model default --difficulty 80 --json < question.txt",
        "jarvis prompt explain --template technical --var audience=novices --language es 'What is a mutex?'",
    )
)
@connects
def explain(  # noqa: PLR0913 - one for each option
    prompt: PromptText = None,
    *,
    raw: Raw = False,
    system: System = None,
    images: Images = None,
    model: Model = None,
    template: Template = None,
    no_template: NoTemplate = False,
    difficulty: Difficulty = None,
    variables: Variables = None,
    language: Language = None,
    as_json: Json = False,
    connection: Connection,
) -> None:
    """Show the difficulty of a prompt and why, its template, messages and models.

    It is what `jarvis generate` would do with the same options; nothing is generated.
    """
    options = template_options(template, no_template, difficulty, variables, language)
    asked = question.prompt(prompt, system, images, raw=raw)
    with connection.open() as client:
        found = client.explain_prompt(asked, model=model, **options)
    if as_json:
        print_json(asdict(found))
    else:
        _show(found, given=difficulty is not None)


def _show(found: "PromptExplanation", *, given: bool) -> None:
    _line("difficulty", _difficulty(found, given=given))
    if found.signals:
        echo()
        print_table(
            ("POINTS", "SIGNAL", "FOUND"),
            ((f"{one.points:+.1f}", one.name, one.found) for one in found.signals),
        )
        echo()
    language = f" ({found.language})" if found.language else ""
    _line("template", found.template + language if found.template else "none")
    _line("route", found.route or "none, as the model is named")
    _line("models", ", then ".join(found.models))
    counted = found.model and f"{found.prompt_tokens}, counted by {found.model}"
    _line("tokens", counted or "not counted, as no model is loaded yet")
    if not found.messages:
        _line("messages", "none, as a raw prompt goes to the model as it is")
    for message in found.messages:
        echo()
        echo(f"{message.role}:")
        for part in message.parts or (message.content,):
            for line in part.splitlines() if isinstance(part, str) else ("(an image)",):
                echo(f"  {line.expandtabs(4)}")


def _difficulty(found: "PromptExplanation", *, given: bool) -> str:
    if found.difficulty is None:
        return "nothing estimates it"
    if given:
        return f"{found.difficulty} of 100, as given"
    return f"{found.difficulty} of 100, estimated" + ("" if found.signals else "; no signal in the text")


def _line(name: str, value: str) -> None:
    echo(f"{name + ':':12}{value}".rstrip())
