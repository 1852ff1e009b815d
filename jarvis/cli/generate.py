"""`jarvis generate`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jarvis.cli import question
from jarvis.cli.connection import Connection, connects
from jarvis.cli.options import (
    DEFAULT_TIMEOUT,
    Difficulty,
    Images,
    Json,
    Language,
    MaxTokens,
    Model,
    NoTemplate,
    PromptText,
    Raw,
    Seed,
    System,
    Temperature,
    Template,
    Timeout,
    Variables,
    input_file,
    template_options,
    text_of,
)
from jarvis.cli.output import deltas, print_answer, write

if TYPE_CHECKING:
    from jarvis.client import StructuredOutput


@connects
def generate(  # noqa: PLR0913 - one for each option
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
    temperature: Temperature = None,
    top_p: Annotated[
        float | None, typer.Option(metavar="NUMBER", help="Nucleus sampling, above 0, up to 1.")
    ] = None,
    max_tokens: MaxTokens = None,
    seed: Seed = None,
    stop: Annotated[
        list[str] | None, typer.Option(metavar="TEXT", help="A text that ends the answer; may be repeated.")
    ] = None,
    json_schema: Annotated[
        Path | None, input_file("--json-schema", "A JSON schema that the answer obeys.")
    ] = None,
    regex: Annotated[
        str | None, typer.Option(metavar="PATTERN", help="A regular expression that the answer matches.")
    ] = None,
    choice: Annotated[
        list[str] | None, typer.Option(metavar="TEXT", help="A possible answer; may be repeated.")
    ] = None,
    grammar: Annotated[Path | None, input_file("--grammar", "A grammar that the answer obeys.")] = None,
    as_json: Json = False,
    timeout: Timeout = DEFAULT_TIMEOUT,
    connection: Connection,
) -> None:
    """Generate one answer, and print it as it comes."""
    options: dict[str, Any] = {
        "model": model,
        "temperature": temperature,
        "top_p": top_p,
        "max_tokens": max_tokens,
        "seed": seed,
        "stop": stop or [],
        "structured_output": _structured_output(json_schema, regex, choice, grammar),
        **template_options(template, no_template, difficulty, variables, language),
    }
    asked = question.prompt(prompt, system, images, raw=raw)
    with connection.open(timeout=timeout) as client:
        if as_json:
            print_answer(client.generate(asked, **options))
        else:
            last = "\n"
            try:
                for last in deltas(client.stream(asked, **options)):
                    write(last)
            finally:
                if not last.endswith("\n"):
                    write("\n")


def _structured_output(
    json_schema: Path | None, regex: str | None, choice: list[str] | None, grammar: Path | None
) -> "StructuredOutput | None":
    from jarvis.client import Constraint, StructuredOutput  # noqa: PLC0415

    given = [
        StructuredOutput(constraint, value)
        for constraint, value in (
            (Constraint.JSON_SCHEMA, text_of(json_schema, "--json-schema")),
            (Constraint.REGEX, regex),
            (Constraint.CHOICE, tuple(choice) if choice else None),
            (Constraint.GRAMMAR, text_of(grammar, "--grammar")),
        )
        if value is not None
    ]
    if len(given) > 1:
        names = " and ".join("--" + output.constraint.replace("_", "-") for output in given)
        raise typer.BadParameter("an answer can obey one constraint", param_hint=names)
    return given[0] if given else None
