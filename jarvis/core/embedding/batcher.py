"""Batches across requests, without a timer: texts that arrive while the model works go together next."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress

from jarvis.core.embedding.queue import Flight, Kind, Queue
from jarvis.core.embedding.values import Vector
from jarvis.core.lifecycle.component import Component
from jarvis.core.telemetry import metrics
from jarvis.core.telemetry.instruments import Instruments
from jarvis_ports.embedding import Embedder
from jarvis_ports.errors import EngineDead, EngineFailure


class Batcher:
    """Sends texts through the model batch by batch, and each text once, however many requests wait for it.

    Args:
        embedder: the model.
        max_batch_tokens: the most tokens of a batch, including padding; a single text may have more.
        keep: is given the new vectors, by key, before the requests that wait for them.
        instruments: measure the batches.
    """

    def __init__(
        self,
        embedder: Component[Embedder],
        max_batch_tokens: int,
        keep: Callable[[Mapping[bytes, Vector]], None],
        instruments: Instruments,
    ) -> None:
        self._embedder = embedder
        self._instruments = instruments
        self._keep = keep
        self._queue = Queue(max_batch_tokens)
        self._flights: dict[bytes, Flight] = {}
        self._worker: asyncio.Task[None] | None = None
        self.depth = 0
        """The number of texts that wait for a batch."""

    @contextmanager
    def waiting(self) -> Iterator["Waiting"]:
        """Let the block wait for texts; at its end, drop those not begun that nobody else waits for."""
        waiting = Waiting(self)
        try:
            yield waiting
        finally:
            for flight in waiting.flights.values():
                flight.waiters -= 1
                if not flight.waiters and not flight.begun:
                    del self._flights[flight.key]
                    self.depth -= 1

    def join(self, key: bytes) -> Flight | None:
        """Return the flight of a text that is on its way, with one more waiter, or None if it is not."""
        flight = self._flights.get(key)
        if flight:
            flight.waiters += 1
        return flight

    def send(self, kind: Kind, flights: Iterable[Flight]) -> None:
        """Send off texts, none of which is on its way yet, with one waiter each."""
        new = list(flights)
        for flight in new:
            flight.waiters = 1
            self._flights[flight.key] = flight
        self.depth += len(new)
        self._queue.add(kind, new)
        if self._worker is None:
            self._worker = asyncio.create_task(self._work())

    async def _work(self) -> None:
        try:
            while self._queue:
                kind, batch = self._queue.take(self._batch_cost())
                for flight in batch:
                    flight.begun = True
                self.depth -= len(batch)
                if batch:
                    await self._embed(kind, batch)
                await asyncio.sleep(0)  # an adapter may return without ever having waited
        finally:
            self._worker = None

    def _batch_cost(self) -> int:
        """Return what a batch costs; 0 if the model does not tell, as who waits for the batch will hear."""
        with suppress(Exception):
            if loaded := self._embedder.loaded:
                return loaded.info().batch_cost
        return 0

    async def _embed(self, kind: Kind, flights: list[Flight]) -> None:
        try:
            vectors = await self._vectors(kind, flights)
        except Exception as error:  # noqa: BLE001 - it is raised where the requests wait
            if isinstance(error, EngineFailure) and len(flights) > 1:
                # One text that the model cannot embed must not fail the others in its batch.
                for part in (flights[::2], flights[1::2]):
                    await self._embed(kind, part)
                return
            for flight in flights:
                del self._flights[flight.key]
                flight.future.set_exception(error)
                flight.future.exception()  # asyncio complains of an error that nobody has looked at
        else:
            self._keep(vectors)
            for flight in flights:
                del self._flights[flight.key]
                flight.future.set_result(vectors[flight.key])

    async def _vectors(self, kind: Kind, flights: list[Flight]) -> dict[bytes, Vector]:
        """Run one batch through the model.

        Raises:
            JarvisError: see `Embedder.embed`; also if it is not open, or not the one that the texts are for.
        """
        with self._embedder.use() as embedder:
            if embedder.info().identity != kind.identity:
                msg = f"{self._embedder} has changed while the texts waited"
                raise EngineDead(msg)
            self._instruments.observe(metrics.BATCH_SIZE, len(flights), {"model": self._embedder.name})
            try:
                vectors = await embedder.embed([flight.text for flight in flights], kind.role)
            except EngineDead as error:
                self._embedder.suspect()
                self._embedder.set_retry_after(error)
                raise
            except asyncio.CancelledError:
                if (task := asyncio.current_task()) and task.cancelling():
                    raise
                msg = f"{self._embedder} was closed while it embedded"
                raise EngineDead(msg) from None
        pairs = zip(flights, vectors, strict=True)
        return {flight.key: Vector(vector, flight.tokens) for flight, vector in pairs}


class Waiting:
    """The texts that one request waits for, by key."""

    def __init__(self, batcher: Batcher) -> None:
        self._batcher = batcher
        self.flights: dict[bytes, Flight] = {}

    def join(self, keys: Iterable[bytes]) -> None:
        """Add those of the texts that are already on their way."""
        for key in keys:
            if flight := self._batcher.join(key):
                self.flights[key] = flight

    def send(self, kind: Kind, flights: Mapping[bytes, Flight]) -> None:
        """Add texts, and send off those that are not on their way yet."""
        self.join(flights)
        if new := [flight for key, flight in flights.items() if key not in self.flights]:
            self._batcher.send(kind, new)
            self.flights |= {flight.key: flight for flight in new}

    async def vectors(self) -> dict[bytes, Vector]:
        """Wait for all the texts, and return their vectors by key.

        Raises:
            Exception: the first failure; the others are not waited for.
        """
        futures = [flight.future for flight in self.flights.values()]
        if futures:
            done, _ = await asyncio.wait(futures, return_when=asyncio.FIRST_EXCEPTION)
            for future in done:
                future.result()
        return {key: flight.future.result() for key, flight in self.flights.items()}
