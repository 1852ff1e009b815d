"""How long texts may be: to fold them, and to make tokens of them, takes time and memory by their length."""

from collections.abc import Iterator

from jarvis_ports.errors import FieldViolation

MAX_EMBEDDED = 1_000_000
"""The most characters of a text that is embedded, where the model reads less."""
MAX_CHARACTERS = 200_000
"""The most characters of a text that is stored or reranked."""
MAX_QUERY = 20_000
"""The most characters of a query."""


def check_length(field: str, text: str, most: int) -> Iterator[FieldViolation]:
    """Check that a text has 1 to `most` characters."""
    if not text:
        yield FieldViolation(field, "is empty")
    elif len(text) > most:
        yield FieldViolation(field, f"has {len(text)} characters; at most {most}")
