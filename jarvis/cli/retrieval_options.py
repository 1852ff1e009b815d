"""Options of the retrieval commands."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from jarvis.client import Filter, Value

DEFAULT_COLLECTION = "default"

Collection = Annotated[str, typer.Option("--collection", metavar="NAME", help="The collection's name.")]
Mode = Annotated[
    str | None,
    typer.Option("--mode", metavar="MODE", help="dense, sparse or hybrid; hybrid when left out."),
]
MinSimilarity = Annotated[
    float | None,
    typer.Option("--min-similarity", metavar="NUMBER", help="Only what is at least this similar."),
]
Rerank = Annotated[
    bool | None,
    typer.Option(
        "--rerank/--no-rerank",
        show_default=False,
        help="Whether the reranker orders what was found; when left out, where the server has one.",
    ),
]
Where = Annotated[
    list[str] | None,
    typer.Option(
        "--filter",
        metavar="FIELD=VALUE",
        help="Only what has this metadata; may be repeated: all must hold. Or the contract's Filter as JSON.",
    ),
]
JsonLines = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]


def read_filter(given: Sequence[str] | None) -> "Filter | None":
    """Return the filter that `--filter` gives, or None if it is left out.

    Raises:
        BadParameter: a value has neither form.
        JarvisClientError: INVALID_ARGUMENT, the JSON is not a filter.
    """
    from jarvis.client import And, parse_filter  # noqa: PLC0415

    clauses = tuple(parse_filter(text) if text.startswith("{") else _equals(text) for text in given or ())
    return And(clauses) if clauses else None


def _equals(text: str) -> "Filter":
    from jarvis.client import Equals  # noqa: PLC0415

    field, equals, value = text.partition("=")
    if not (field and equals):
        raise typer.BadParameter(f"{text!r} is neither FIELD=VALUE nor JSON", param_hint="--filter")
    return Equals(field, _value(value))


def _value(text: str) -> "Value":
    """Read a number, true, false or a quoted text as JSON, and anything else as text."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, str | int | float | bool) else text
