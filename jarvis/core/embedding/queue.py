"""The texts that wait for the model, and which of them go together."""

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from jarvis.core.embedding.values import Vector
from jarvis_ports.embedding import TextRole

AMORTISED = 20
"""A batch has at most this many times what it costs beside its tokens, in tokens.

Larger batches would be at most 5 % faster, and a question waits for the batch of documents that is running.
"""


class Kind(NamedTuple):
    """What the texts of a batch have in common: the embedder's identity, and the role."""

    identity: str
    role: TextRole


@dataclass(eq=False, slots=True)
class Flight:
    """One text on its way through the model, and how many requests wait for it.

    `length` is the number of its tokens that the model reads. The future will hold its vector.
    """

    key: bytes
    text: str
    tokens: int
    length: int
    future: "asyncio.Future[Vector]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
    waiters: int = 0
    begun: bool = False


class Queue:
    """The texts that wait, grouped by the request that brought them.

    Requests take turns, one text each: a request with many texts does not hold up the others, and requests
    with a single text are served in the order in which they came.
    """

    def __init__(self, max_batch_tokens: int) -> None:
        self._max_batch_tokens = max_batch_tokens
        self._lines: list[tuple[Kind, list[Flight]]] = []

    def __bool__(self) -> bool:
        return bool(self._lines)

    def add(self, kind: Kind, flights: Iterable[Flight]) -> None:
        """Put the texts of a request at the end of the queue, the longest of them first."""
        self._lines.append((kind, sorted(flights, key=lambda flight: flight.length, reverse=True)))

    def take(self, batch_cost: int) -> tuple[Kind, list[Flight]]:
        """Take the text whose turn it is, with the texts of its kind and of similar length that go with it.

        The batch is empty if nobody waits for any text of that kind. The other texts keep their turns.

        Args:
            batch_cost: what a batch costs in addition to its tokens, in tokens; see `EmbedderInfo`.
        """
        kind = self._lines[0][0]
        most = min(self._max_batch_tokens, AMORTISED * batch_cost or self._max_batch_tokens)
        turns = self._turns(kind, most)
        batches = _batches(turns, most, batch_cost)
        batch = next((batch for batch in batches if turns[0] in batch), [])
        taken = set(map(id, batch))
        served: list[tuple[Kind, list[Flight]]] = []
        waiting: list[tuple[Kind, list[Flight]]] = []
        for its_kind, line in self._lines:
            left = [flight for flight in line if flight.waiters and id(flight) not in taken]
            if left:
                (waiting if len(left) == len(line) else served).append((its_kind, left))
        # Other kinds go first, then the requests of this kind that had no turn.
        self._lines = sorted(waiting, key=lambda line: line[0] == kind) + served
        return kind, batch

    def _turns(self, kind: Kind, most: int) -> list[Flight]:
        """Return the texts whose turn is next: as many as the budget holds, but at least one if any waits."""
        lines = deque(iter(line) for its_kind, line in self._lines if its_kind == kind)
        turns: list[Flight] = []
        tokens = 0
        while lines:
            line = lines.popleft()
            if flight := next((flight for flight in line if flight.waiters), None):
                tokens += flight.length
                if turns and tokens > most:
                    break
                turns.append(flight)
                lines.append(line)
        return turns


def _batches(flights: Iterable[Flight], most: int, batch_cost: int) -> Iterator[list[Flight]]:
    """Yield batches of texts of similar length, each within the budget when padded to its longest."""
    batch: list[Flight] = []
    padding = 0
    for flight in sorted(flights, key=lambda flight: flight.length, reverse=True):
        if batch:
            longest = batch[0].length
            padding += longest - flight.length
            if padding > batch_cost or longest * (len(batch) + 1) > most:
                yield batch
                batch, padding = [], 0
        batch.append(flight)
    if batch:
        yield batch
