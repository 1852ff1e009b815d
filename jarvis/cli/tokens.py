"""`jarvis tokenize` and `jarvis detokenize`."""

from dataclasses import asdict
from typing import Annotated

import typer

from jarvis.cli import question
from jarvis.cli.connection import Connection, connects
from jarvis.cli.options import Images, Json, Model, PromptText, Raw, System
from jarvis.cli.output import echo, print_json, print_table, write


@connects
def tokenize(  # noqa: PLR0913 - one for each option
    prompt: PromptText = None,
    *,
    raw: Raw = False,
    system: System = None,
    images: Images = None,
    special: Annotated[
        bool,
        typer.Option("--special/--no-special", help="Whether to add the tokenizer's own tokens to --raw."),
    ] = True,
    model: Model = None,
    as_json: Json = False,
    connection: Connection,
) -> None:
    """Show the tokens that a prompt has for a model, chat template included; nothing is generated."""
    if not (special or raw):
        raise typer.BadParameter("is for --raw: a chat template adds its own", param_hint="--no-special")
    asked = question.prompt(prompt, system, images, raw=raw)
    with connection.open() as client:
        found = client.tokenize(asked, model=model, add_special_tokens=None if special else False)
    if as_json:
        print_json(asdict(found))
        return
    rows = zip(map(str, found.token_ids), map(repr, found.tokens), strict=True)
    print_table(("ID", "TOKEN"), rows)
    echo()
    echo(f"{len(found.token_ids)} tokens of {found.model}, whose context holds {found.context_length}")


@connects
def detokenize(
    token_ids: Annotated[list[int], typer.Argument(min=0, show_default=False, help="The ids of the tokens.")],
    *,
    model: Model = None,
    connection: Connection,
) -> None:
    """Show the text of tokens, control tokens included."""
    with connection.open() as client:
        write(client.detokenize(token_ids, model=model) + "\n")
