"""The searches that are compared; each starts with an empty folder."""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bench.retrieval.data import Data
from bench.retrieval.peers import chroma_collection, chroma_search
from jarvis_adapters.chroma import open_chroma
from jarvis_adapters.chroma.settings import ChromaSettings
from jarvis_ports.embedding import Matrix
from jarvis_ports.store import CollectionSpec, IndexSettings, Row, VectorStore

BATCH = 100
PAUSE = 0.01
"""Seconds between two queries, so that they coincide with more of another task's work."""
LONGEST = 30
"""The most seconds spent on one side, which may end before all queries are asked."""
WARM = 20
"""The number of queries that warm up and are not measured."""
COLLECTION = "bench"

Search = Callable[[Matrix, int], Awaitable[list[str]]]
"""Finds the ids of this many rows nearest to a vector."""


@dataclass(frozen=True)
class Measured:
    """Milliseconds per search, and the share of the truly nearest rows that it finds."""

    side: str
    rows: int
    p50: float
    p95: float
    recall: float
    queries: int
    rows_ingested: int = 0
    """The number of rows that the other task ingested while the queries ran."""


async def measure(side: str, data: Data, top_k: int) -> list[Measured]:
    """Store the rows, warm up, and run one query after another; repeat while another task ingests."""
    async with SIDES[side](data) as (search, ingestion):
        measured = [await _measure(side, data, top_k, search)]
        if ingestion:
            task = asyncio.create_task(ingestion.run())
            during = await _measure(f"{side}, while another task ingests", data, top_k, search)
            measured.append(replace(during, rows_ingested=ingestion.rows))
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
    return measured


async def _measure(side: str, data: Data, top_k: int, search: Search) -> Measured:
    truth = data.truth(top_k)
    seconds, found = [], 0
    begun = time.perf_counter()
    for position, query in enumerate(np.concatenate([data.queries[:WARM], data.queries]), -WARM):
        start = time.perf_counter()
        if start - begun > LONGEST and seconds:
            break
        ids = await search(query, top_k)
        if position >= 0:
            seconds.append(time.perf_counter() - start)
            found += len(set(ids) & {str(i) for i in truth[position]})
        await asyncio.sleep(PAUSE)
    p50, p95 = np.quantile(seconds, [0.5, 0.95]) * 1000
    recall = found / (top_k * len(seconds))
    return Measured(side, len(data.texts), float(p50), float(p95), recall, len(seconds))


Side = Callable[[Data], AbstractAsyncContextManager[tuple[Search, "Ingestion | None"]]]


def _chroma(**hnsw: int) -> Side:
    @asynccontextmanager
    async def opened(data: Data) -> AsyncIterator[tuple[Search, "Ingestion | None"]]:
        with chroma_collection(data, **hnsw) as collection:

            async def search(query: Matrix, top_k: int) -> list[str]:
                return chroma_search(collection, query, top_k)

            yield search, None

    return opened


def _store(**settings: Any) -> Side:  # noqa: ANN401
    @asynccontextmanager
    async def opened(data: Data) -> AsyncIterator[tuple[Search, "Ingestion | None"]]:
        with tempfile.TemporaryDirectory() as folder:
            async with open_chroma(ChromaSettings(path=folder, **settings)) as store:
                await store.create(
                    CollectionSpec(COLLECTION, data.vectors.shape[1], "bench", "bench", IndexSettings())
                )
                rows = [Row(str(i), text) for i, text in enumerate(data.texts)]
                await store.upsert(COLLECTION, rows, data.vectors)

                async def search(query: Matrix, top_k: int) -> list[str]:
                    return [match.row.id for match in await store.query(COLLECTION, query, top_k)]

                yield search, Ingestion(store, rows, data)

    return opened


class Ingestion:
    """Writes the same rows again and again, so that those to be found stay the same."""

    def __init__(self, store: VectorStore, rows: list[Row], data: Data) -> None:
        self.rows = 0
        self._store, self._from, self._vectors = store, rows, data.vectors

    async def run(self) -> None:
        while True:
            at = self.rows % len(self._from)
            batch = self._from[at : at + BATCH]
            await self._store.upsert(COLLECTION, batch, self._vectors[at : at + BATCH])
            self.rows += len(batch)


@asynccontextmanager
async def _numpy(data: Data) -> AsyncIterator[tuple[Search, None]]:
    async def search(query: Matrix, top_k: int) -> list[str]:
        return data.exactly(query, top_k)

    yield search, None


SIDES: dict[str, Side] = {
    "Chroma, its defaults": _chroma(),
    "Chroma, tuned": _chroma(max_neighbors=64, ef_construction=400, ef_search=200),
    "Jarvis": _store(),
    "Jarvis, without rows in memory": _store(in_memory_below=0),
    "numpy, exact": _numpy,
}
