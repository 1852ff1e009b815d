"""Checks what is to be embedded before the model sees it."""

from collections.abc import Sequence

from jarvis_ports.errors import FieldViolation, InvalidArgument, TextTooLong

MAX_TEXTS = 2048
"""The most texts in one request."""


def check_request(texts: Sequence[str], dimension: int | None, most_dimensions: int, field: str) -> None:
    """Check everything but the length of the texts.

    Args:
        texts: the texts to embed.
        dimension: the number of components to keep; None for all of them.
        most_dimensions: the number of components that the model gives.
        field: the path of the text at the index `{}`.

    Raises:
        InvalidArgument: naming every field that is wrong.
    """
    every = field.partition("[")[0]
    violations = [FieldViolation(field.format(i), "is empty") for i, text in enumerate(texts) if not text]
    if not texts:
        violations.append(FieldViolation(every, "is empty"))
    if len(texts) > MAX_TEXTS:
        violations = [FieldViolation(every, f"at most {MAX_TEXTS} texts, got {len(texts)}")]
    if dimension is not None and not 1 <= dimension <= most_dimensions:
        violations.append(FieldViolation("dimension", f"must be in [1, {most_dimensions}], got {dimension}"))
    if violations:
        raise InvalidArgument(violations)


def check_lengths(tokens: Sequence[int], max_tokens: int, field: str) -> None:
    """Check that no text is longer than the model reads.

    Raises:
        TextTooLong: naming each text that is.
    """
    too_long = {field.format(index): count for index, count in enumerate(tokens) if count > max_tokens}
    if too_long:
        raise TextTooLong(too_long, max_tokens=max_tokens)
