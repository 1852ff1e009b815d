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
"""Vectors, one a row: shape (texts, dimension)."""


@dataclass(frozen=True, slots=True)
class EmbedderInfo:
    """What an embedder is; constant while it is loaded.

    `identity` is the same exactly where the vectors are: weights, pooling, prompts, what is cut off.
    `max_tokens` is the longest text that it reads, special tokens and the prompt of a role included. `notes`
    is what an operator should know of how it runs; `settings` are those in force. `batch_cost` is what a
    batch costs beside its tokens, in tokens: texts of different lengths go together where that saves more
    than it pads.
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
        """Return what it is."""
        ...

    def count_tokens(self, texts: Sequence[str], role: TextRole) -> list[int]:
        """Count the tokens of each text, special tokens and the role's prompt included, nothing cut off.

        Blocks for as long as tokenizing takes; may be called from any thread.
        """
        ...

    async def embed(self, texts: Sequence[str], role: TextRole) -> Matrix:
        """Embed texts in one batch, each cut to `max_tokens`; every row has the Euclidean length 1.

        Blocks no event loop. Nothing of the batch stays on the device once it returns or raises, and a caller
        that is cancelled loses its own result alone.

        Raises:
            EngineFailure: the model failed at these texts, and lives on.
            EngineDead: it can embed no more.
        """
        ...

    async def health(self) -> Health:
        """Return whether it can embed now; answers at once."""
        ...
