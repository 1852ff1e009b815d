"""`jarvis ask`."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jarvis.cli.connection import Connection, connects
from jarvis.cli.options import (
    DEFAULT_TIMEOUT,
    Difficulty,
    Json,
    Language,
    MaxTokens,
    Model,
    NoTemplate,
    PromptText,
    Seed,
    Temperature,
    Template,
    Timeout,
    Variables,
    template_options,
)
from jarvis.cli.output import OTHER_PLACES, echo, print_answer, print_table, write
from jarvis.cli.question import prompt as question_prompt
from jarvis.cli.retrieval_options import (
    DEFAULT_COLLECTION,
    Collection,
    MinSimilarity,
    Mode,
    Rerank,
    Where,
    read_filter,
)

if TYPE_CHECKING:
    from jarvis.client import Citation, Duplicate, Event, Finished, Retrieved


@connects
def ask(  # noqa: PLR0913 - one for each option
    question: PromptText = None,
    *,
    collection: Collection = DEFAULT_COLLECTION,
    mode: Mode = None,
    top_k: Annotated[
        int | None, typer.Option(metavar="COUNT", help="The most sources; 5 when left out.")
    ] = None,
    min_similarity: MinSimilarity = None,
    rerank: Rerank = None,
    where: Where = None,
    system: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Instructions that go before the question.")
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
    as_json: Json = False,
    timeout: Timeout = DEFAULT_TIMEOUT,
    connection: Connection,
) -> None:
    """Answer a question from what was ingested, and print the answer as it comes, then its sources."""
    from jarvis.client import JarvisClientError, Retrieval  # noqa: PLC0415

    prompt = question_prompt(question, system, raw=False)
    options: dict[str, Any] = {
        "model": model,
        "temperature": temperature,
        "max_tokens": max_tokens,
        "seed": seed,
        **template_options(template, no_template, difficulty, variables, language),
        "retrieval": Retrieval(
            collection,
            mode=mode,
            top_k=top_k,
            filter=read_filter(where),
            min_similarity=min_similarity,
            rerank=rerank,
        ),
    }
    with connection.open(timeout=timeout) as client:
        try:
            if as_json:
                print_answer(client.generate(prompt, **options))
            else:
                _show(client.stream(prompt, **options), collection)
        except JarvisClientError as error:
            if error.reason == "COLLECTION_NOT_FOUND":
                hint = f"no collection {collection!r}; jarvis ingest PATH --collection {collection} makes one"
                raise JarvisClientError(error.code, hint, reason=error.reason) from None
            raise


def _show(events: Iterable["Event"], collection: str) -> None:
    """Print an answer as it comes, then its sources."""
    from jarvis.client import Delta, Finished, FinishReason, Started  # noqa: PLC0415

    started: Started | None = None
    finished: Finished | None = None
    last = "\n"
    try:
        for event in events:
            match event:
                case Started():
                    started = event
                case Delta(text=text) if text:
                    write(text)
                    last = text
                case Finished():
                    finished = event
    finally:
        if not last.endswith("\n"):
            write("\n")
        if started and started.retrieved:
            _sources(started.retrieved, finished, collection)
    if finished and finished.reason is FinishReason.LENGTH:
        echo("jarvis: the answer was cut off at the limit of its length", err=True)


def _sources(retrieved: "Retrieved", finished: "Finished | None", collection: str) -> None:
    """Print the sources; an answer that did not come to its end cites none."""
    cited, unknown = (finished.cited, finished.cited_unknown) if finished else ((), ())
    write("\n")
    if retrieved.citations:
        rows = [
            row for citation in retrieved.citations for row in _rows(citation, cited=citation.number in cited)
        ]
        print_table(("", "SOURCE", "PLACE", "SIMILARITY", ""), rows)
        if retrieved.left_out:
            echo(f"{retrieved.left_out} more were relevant, and did not fit into the prompt")
    elif retrieved.left_out:
        echo(f"none of the {retrieved.left_out} sources that were found fits into the prompt")
    else:
        echo(f"nothing relevant was found in collection {collection!r}")
    if unknown:
        numbers = ", ".join(f"[{number}]" for number in unknown)
        echo(f"the answer cites {numbers}, and there is no such source")


def _rows(citation: "Citation", *, cited: bool) -> Iterator[tuple[str, ...]]:
    """Yield the row of a source, then rows for the other places that have the same text."""
    similarity = "" if citation.similarity is None else f"{citation.similarity:.2f}"
    yield f"[{citation.number}]", *_place(citation), similarity, "cited" if cited else ""
    for other in citation.duplicates[:OTHER_PLACES]:
        yield "", *_place(other), "", ""
    if (more := len(citation.duplicates) - OTHER_PLACES) > 0:
        yield "", f"and {more} more places", "", "", ""


def _place(row: "Citation | Duplicate") -> tuple[str, str]:
    source = row.source
    if source is None:
        return row.id, ""
    return _near(source.source), source.pages or f"{source.start}-{source.end}"


def _near(source: str) -> str:
    """Shorten the path of a file below the current folder."""
    path, here = Path(source), Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else source
