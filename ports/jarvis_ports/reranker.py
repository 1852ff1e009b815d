"""The port of a model that scores how well texts answer a query."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from jarvis_ports.health import Health

__all__ = ["Reranker", "RerankerInfo"]


@dataclass(frozen=True, slots=True)
class RerankerInfo:
    """The properties of a reranker; they are constant while it is loaded.

    `max_tokens` is the most tokens that it reads of a query and a document together, whatever it puts around
    them included. `notes` say what an operator should know about how it runs; `settings` are those in force.
    """

    max_tokens: int
    notes: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)


class Reranker(Protocol):
    """A loaded model that reads a query and a document together, and scores the document."""

    def info(self) -> RerankerInfo:
        """Return its properties."""
        ...

    async def count_tokens(self, query: str, documents: Sequence[str]) -> list[int]:
        """Count the tokens of the query with each whole document, as `info().max_tokens` counts them.

        The call does not block the event loop.
        """
        ...

    async def score(self, query: str, documents: Sequence[str]) -> list[float]:
        """Return the score of each document, in their order: finite, and the larger, the better it answers.

        A pair that is too long is cut to `max_tokens`. A document's score does not depend on the others. The
        call does not block the event loop. A caller that is cancelled loses only its own result, and what is
        not begun of its work is not done.

        Raises:
            EngineFailure: the model failed at these texts, but can still score others.
            Unavailable: the model can score no more, or not now.
        """
        ...

    async def health(self) -> Health:
        """Return at once whether it can score now."""
        ...
