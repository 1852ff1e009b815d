"""A plugin of embedders that each break the port's contract in one way."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from threading import Event, Thread

import numpy as np
from pydantic import ConfigDict

from jarvis_adapters.hashing.adapter import Hashing, HashingSettings
from jarvis_plugins import hookimpl
from jarvis_ports.embedding import TextRole
from jarvis_ports.errors import EngineFailure
from jarvis_ports.health import Health


class Fault(Hashing):
    settings = HashingSettings

    def __init__(self, settings):
        super().__init__(settings, ThreadPoolExecutor(1))

    def close(self):
        self._executor.shutdown()


class Reordered(Fault):
    """Sorts texts by length, and forgets to sort back."""

    async def embed(self, texts, role):
        return await super().embed(sorted(texts, key=len), role)


class Doubles(Fault):
    async def embed(self, texts, role):
        return (await super().embed(texts, role)).astype(np.float64)


class Unnormalised(Fault):
    async def embed(self, texts, role):
        return 3 * await super().embed(texts, role)


class WrongDimension(Fault):
    def info(self):
        return replace(super().info(), dimension=7)


class Restless(Fault):
    """Never says the same of itself."""

    asked = 0

    def info(self):
        self.asked += 1
        return replace(super().info(), identity=str(self.asked))


class Noisy(Fault):
    """Gives another vector each time, near to the true one."""

    async def embed(self, texts, role):
        vectors = await super().embed(texts, role)
        vectors = vectors + np.random.default_rng().normal(scale=1e-5, size=vectors.shape).astype(np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


class PaddingLeaks(Fault):
    """Lets a text's vector depend on the longest of its batch."""

    async def embed(self, texts, role):
        longest = max(map(len, texts))
        return await super().embed([text.ljust(longest, "#") for text in texts], role)


class Constant(Fault):
    async def embed(self, texts, role):
        return await super().embed(["the same"] * len(texts), role)


class Meaningless(Fault):
    """Hashes whole texts, so that likeness is chance."""

    async def embed(self, texts, role):
        return await super().embed([text.encode().hex()[::-1][:40] for text in texts], role)


class RefusesLong(Fault):
    async def embed(self, texts, role):
        if max(super().count_tokens(texts, role)) > self.info().max_tokens:
            msg = "too long"
            raise EngineFailure(msg)
        return await super().embed(texts, role)


class ReadsOn(Fault):
    """Reads more than the max_tokens that it tells."""

    def info(self):
        return replace(super().info(), max_tokens=8)


class CountsWhatItReads(Fault):
    def count_tokens(self, texts, role):
        return [min(count, self.info().max_tokens) for count in super().count_tokens(texts, role)]


class CountsPadding(Fault):
    def count_tokens(self, texts, role):
        counts = super().count_tokens(texts, role)
        return [max(counts)] * len(counts) if len(counts) != 3 else counts


class Borrowed(Fault):
    """Shares a tokenizer between threads without a lock: counting fails while texts are embedded."""

    borrowed = 0

    def count_tokens(self, texts, role):
        if self.borrowed:
            msg = "Already borrowed"
            raise RuntimeError(msg)
        return super().count_tokens(texts, role)

    async def embed(self, texts, role):
        self.borrowed += 1
        await asyncio.sleep(0.05)
        try:
            return await super().embed(texts, role)
        finally:
            self.borrowed -= 1


class Mixes(Fault):
    """Gives every caller the vectors of whoever called last."""

    async def embed(self, texts, role):
        self.last = texts
        await asyncio.sleep(0.001)
        return await super().embed(self.last, role) if len(self.last) == len(texts) else None


class FallsWithTheFirst(Fault):
    """Lets one cancelled caller take the others along."""

    batch = None

    async def embed(self, texts, role):
        if self.batch is None or self.batch.done():
            self.batch = asyncio.ensure_future(self.slow())
        await self.batch
        return await super().embed(texts, role)

    async def slow(self):
        await asyncio.sleep(0.05)


class Blocks(Fault):
    """Works in the event loop."""

    async def embed(self, texts, role):
        return self._embed(texts)


class Sick(Fault):
    async def health(self):
        return Health(ok=False, message="sick")


class SlowHealth(Fault):
    async def health(self):
        await asyncio.sleep(8)
        return await super().health()


class OtherDimensionForQueries(Fault):
    async def embed(self, texts, role):
        vectors = await super().embed(texts, role)
        return vectors if role is TextRole.DOCUMENT else np.repeat(vectors, 2, axis=1) / 2**0.5


class OtherDimensionAlone(Fault):
    """Gives one text a vector without the row around it."""

    async def embed(self, texts, role):
        vectors = await super().embed(texts, role)
        return vectors if len(texts) > 1 else vectors[0]


class EmbedsTheFirst(Fault):
    """Cuts a batch that is large."""

    async def embed(self, texts, role):
        return await super().embed(texts[:128], role)


class SortsItsInput(Fault):
    async def embed(self, texts, role):
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        if isinstance(texts, list):
            texts.sort(key=len)
        vectors = await super().embed(sorted(texts, key=len), role)
        return vectors[np.argsort(order)]


class WritesOverItsResults(Fault):
    buffer = np.zeros((1000, 64), np.float32)

    async def embed(self, texts, role):
        vectors = self.buffer[: len(texts)]
        vectors[:] = await super().embed(texts, role)
        return vectors


class EndsWhenCancelled(Fault):
    """Gives a caller that was cancelled a result."""

    async def embed(self, texts, role):
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(0.05)
        return await super().embed(texts, role)


class ThreadPerCall(Fault):
    async def embed(self, texts, role):
        Thread(target=Event().wait, daemon=True).start()
        return await super().embed(texts, role)


class LeavesItsPool(Fault):
    """Does not end its threads when it is closed: `Fault` starts one, and nothing stops that of this."""

    def close(self):
        pass


class LaxSettings(HashingSettings):
    model_config = ConfigDict(extra="ignore")


class Lax(Fault):
    settings = LaxSettings


FAULTS = {fault.__name__: fault for fault in Fault.__subclasses__()}


@hookimpl
def jarvis_register_adapters(registry):
    for name, fault in FAULTS.items():

        @asynccontextmanager
        async def open_fault(settings, fault=fault):
            opened = fault(settings)
            yield opened
            opened.close()

        registry.embedder(name, settings=fault.settings, factory=open_fault)
