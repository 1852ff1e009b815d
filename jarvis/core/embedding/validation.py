"""Checks what is to be embedded before the model sees it."""

from collections.abc import Sequence

from jarvis.core.text import MAX_EMBEDDED, check_length
from jarvis_ports.embedding import EmbedderInfo
from jarvis_ports.errors import FieldViolation, InvalidArgument, TextTooLong

MAX_TEXTS = 2048
"""The most texts in one request."""
CHARACTERS_A_TOKEN = 32
"""More than a token has on average in any text: a model that reads many tokens gets so many for each."""


def check_request(texts: Sequence[str], dimension: int | None, info: EmbedderInfo, field: str) -> None:
    """Check everything but the tokens of the texts.

    Args:
        texts: the texts to embed.
        dimension: the number of components to keep; None for all of them.
        info: the model's properties.
        field: the path of the text at the index `{}`.

    Raises:
        InvalidArgument: naming every field that is wrong.
    """
    every = field.partition("[")[0]
    most = max(MAX_EMBEDDED, CHARACTERS_A_TOKEN * info.max_tokens)
    violations = [one for i, text in enumerate(texts) for one in check_length(field.format(i), text, most)]
    if not texts:
        violations.append(FieldViolation(every, "is empty"))
    if len(texts) > MAX_TEXTS:
        violations = [FieldViolation(every, f"at most {MAX_TEXTS} texts, got {len(texts)}")]
    if dimension is not None and not 1 <= dimension <= info.dimension:
        violations.append(FieldViolation("dimension", f"must be in [1, {info.dimension}], got {dimension}"))
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
