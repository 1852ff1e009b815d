"""Checks what is to be embedded before the model sees it."""

from collections.abc import Sequence

from jarvis_ports.errors import FieldViolation, InvalidArgument, TextTooLong

MAX_TEXTS = 2048
"""The most texts of one request."""


def check_request(texts: Sequence[str], dimension: int | None, most_dimensions: int, field: str) -> None:
    """Check all but the length of the texts.

    Args:
        texts: what is to be embedded.
        dimension: the components that are asked for.
        most_dimensions: those that there are.
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
    """Check that the model reads the texts whole.

    Raises:
        TextTooLong: naming each that it does not.
    """
    too_long = {field.format(index): count for index, count in enumerate(tokens) if count > max_tokens}
    if too_long:
        raise TextTooLong(too_long, max_tokens=max_tokens)
