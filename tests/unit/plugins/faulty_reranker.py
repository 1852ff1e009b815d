"""A plugin of rerankers that each break the port's contract in one way."""

import asyncio
import os
import time
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import numpy as np
from pydantic import ConfigDict

from jarvis_adapters.hashing.overlap import Overlap, OverlapSettings
from jarvis_plugins import hookimpl
from jarvis_ports.errors import EngineFailure
from jarvis_ports.health import Health


class Fault(Overlap):
    settings = OverlapSettings


class Sorted(Fault):
    """Gives the scores in their own order."""

    async def score(self, query, documents):
        return sorted(await super().score(query, documents), reverse=True)


class Arrays(Fault):
    async def score(self, query, documents):
        return np.array(await super().score(query, documents))


class NotFinite(Fault):
    async def score(self, query, documents):
        return [float("nan")] * len(documents)


class Restless(Fault):
    """Never says the same of itself."""

    asked = 0

    def info(self):
        self.asked += 1
        return replace(super().info(), notes=(str(self.asked),))


class Relative(Fault):
    """Gives a document a share of the scores of all."""

    async def score(self, query, documents):
        scores = await super().score(query, documents)
        return [score / (sum(scores) or 1) for score in scores]


class Noisy(Fault):
    async def score(self, query, documents):
        noise = np.random.default_rng().normal(scale=1e-5, size=len(documents))
        scores = await super().score(query, documents)
        return [float(score + one) for score, one in zip(scores, noise, strict=True)]


class Constant(Fault):
    async def score(self, query, documents):
        return [1.0] * len(documents)


class Deaf(Fault):
    """Does not read the query."""

    async def score(self, query, documents):
        return await super().score("password invoice cat window memory", documents)


class Backwards(Fault):
    """Likes best what answers least."""

    async def score(self, query, documents):
        return [-score for score in await super().score(query, documents)]


class RefusesLong(Fault):
    async def score(self, query, documents):
        if max(await super().count_tokens(query, documents), default=0) > self.info().max_tokens:
            msg = "too long"
            raise EngineFailure(msg)
        return await super().score(query, documents)


class ReadsOn(Fault):
    """Reads more than the max_tokens that it tells."""

    def info(self):
        return replace(super().info(), max_tokens=20)


class CountsWhatItReads(Fault):
    async def count_tokens(self, query, documents):
        counts = await super().count_tokens(query, documents)
        return [min(count, self.info().max_tokens) for count in counts]


class CountsPadding(Fault):
    async def count_tokens(self, query, documents):
        counts = await super().count_tokens(query, documents)
        return [max(counts)] * len(counts) if len(counts) > 2 else counts


class CountsNoQuery(Fault):
    async def count_tokens(self, query, documents):
        return await super().count_tokens("", documents)


class Mixes(Fault):
    """Gives every caller the scores of whoever called last."""

    async def score(self, query, documents):
        self.last = query, documents
        await asyncio.sleep(0.001)
        return await super().score(*self.last) if len(self.last[1]) == len(documents) else None


class FallsWithTheFirst(Fault):
    """Lets one cancelled caller take the others along."""

    batch = None

    async def score(self, query, documents):
        if self.batch is None or self.batch.done():
            self.batch = asyncio.ensure_future(asyncio.sleep(0.05))
        await self.batch
        return await super().score(query, documents)


class Blocks(Fault):
    """Works in the event loop."""

    async def score(self, query, documents):
        time.sleep(0.001 * len(documents))  # noqa: ASYNC251 - the fault
        return [self._score(query, document) for document in documents]


class Sick(Fault):
    async def health(self):
        return Health(ok=False, message="sick")


class SlowHealth(Fault):
    async def health(self):
        await asyncio.sleep(8)
        return await super().health()


class SortsItsInput(Fault):
    async def score(self, query, documents):
        scores = await super().score(query, documents)
        if isinstance(documents, list):
            documents.sort()
        return scores


class EndsWhenCancelled(Fault):
    """Gives a caller that was cancelled a result."""

    async def score(self, query, documents):
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(0.05)
        return await super().score(query, documents)


class DescriptorPerCall(Fault):
    async def score(self, query, documents):
        os.open(os.devnull, os.O_RDONLY)
        return await super().score(query, documents)


class TaskPerCall(Fault):
    kept = ()

    async def score(self, query, documents):
        self.kept = (*self.kept, asyncio.create_task(asyncio.sleep(1000)))
        return await super().score(query, documents)


class LaxSettings(OverlapSettings):
    model_config = ConfigDict(extra="ignore")


class Lax(Fault):
    settings = LaxSettings


FAULTS = {fault.__name__: fault for fault in Fault.__subclasses__()}


@hookimpl
def jarvis_register_adapters(registry):
    for name, fault in FAULTS.items():

        @asynccontextmanager
        async def open_fault(settings, fault=fault):
            yield fault(settings)

        registry.reranker(name, settings=fault.settings, factory=open_fault)
