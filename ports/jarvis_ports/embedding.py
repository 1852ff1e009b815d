"""The port of a model that turns texts into vectors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from jarvis_ports.health import Health
from jarvis_ports.values import TextRole

__all__ = ["Embedder", "EmbedderInfo", "Matrix", "TextRole"]

Matrix = NDArray[np.float32]
"""Vectors, one per row: shape (texts, dimension)."""


@dataclass(frozen=True, slots=True)
class EmbedderInfo:
    """The properties of an embedder; they are constant while it is loaded.

    Two embedders have the same `identity` exactly if they make the same vectors: it covers weights, pooling,
    prompts and truncation. `max_tokens` is the length of the longest text that it reads, including special
    tokens and the prompt of a role. `notes` say what an operator should know about how it runs; `settings`
    are those in force. `batch_cost` is the fixed cost of a batch, in tokens: texts of different lengths are
    batched together if that saves more than it pads, and a batch has at most 20 times as many tokens.
    """

    identity: str
    dimension: int
    max_tokens: int
    batch_cost: int = 256
    notes: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)


class Embedder(Protocol):
    """A loaded model that embeds texts."""

    def info(self) -> EmbedderInfo:
        """Return its properties."""
        ...

    def count_tokens(self, texts: Sequence[str], role: TextRole) -> list[int]:
        """Count the tokens of each whole text, including special tokens and the role's prompt.

        The call blocks for as long as tokenizing takes, and may be made from any thread.
        """
        ...

    async def embed(self, texts: Sequence[str], role: TextRole) -> Matrix:
        """Embed texts in one batch, each cut to `max_tokens`; every row has the Euclidean length 1.

        The call does not block the event loop. Nothing of the batch stays on the device once it returns or
        raises, and a caller that is cancelled loses only its own result.

        Raises:
            EngineFailure: the model failed at these texts, but can still embed others.
            EngineDead: the model can embed no more.
        """
        ...

    async def health(self) -> Health:
        """Return at once whether it can embed now."""
        ...
