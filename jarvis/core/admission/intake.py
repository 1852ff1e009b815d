"""Lets requests into a part of the server that is no model."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from jarvis.core.admission.admission import Admission
from jarvis.core.admission.scope import Bounds, Scopes
from jarvis.core.admission.ticket import Arrival, Ticket


class Intake:
    """Lets in as many requests as a part of the server works on at a time; the others wait in a fair order.

    Args:
        name: what the part is called in errors.
        slots: how many requests it works on at a time; None if none is to wait.
        bounds: bounds on what runs and waits there.
        scopes: those that all parts share.
    """

    def __init__(
        self, name: str, slots: int | None, bounds: Bounds = Bounds(), scopes: Scopes | None = None
    ) -> None:
        self._slots = slots
        self._admission = Admission(name, bounds, scopes)

    @property
    def queued(self) -> int:
        """The number of requests that wait."""
        return self._admission.queued

    @asynccontextmanager
    async def request(self, arrival: Arrival, characters: int = 0) -> AsyncIterator[None]:
        """Wait until a request may begin, and keep its slot while the block runs.

        Args:
            arrival: whose it is, and until when an answer is of use.
            characters: the length of its text.

        Raises:
            Overloaded, DeadlineTooShort: see `Admission.slot`.
        """
        # How long others took tells nothing of this one, such as of one text after thousands of them.
        async with self._admission.slot(Ticket(arrival, characters), self._slots):
            yield


@dataclass(frozen=True)
class Intakes:
    """What lets in the requests that are not for a model.

    Attributes:
        embedding: those that embed texts.
        reranking: those that rerank documents.
        search: those that search.
        changes: those that change collections, or check them.
        others: those that take little: they count for their caller, and none waits.
    """

    embedding: Intake
    reranking: Intake
    search: Intake
    changes: Intake
    others: Intake
