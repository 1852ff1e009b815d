"""Finds rows: by vector, by words, by both."""

import asyncio
import time
from collections.abc import Sequence

from jarvis.core.instruments import Instruments
from jarvis.core.metrics import RETRIEVAL_LATENCY
from jarvis.core.retrieval.fusion import Fused, fuse
from jarvis.core.retrieval.shelf import Collection, Shelf
from jarvis.core.retrieval.types import Found, Hit, SearchMode, SearchQuery
from jarvis.core.retrieval.validation import check_query
from jarvis.core.retrieval.vectors import check_vector
from jarvis.textindex import TextMatch
from jarvis_plugins.exact import similarities
from jarvis_ports.embedding import Matrix, TextRole
from jarvis_ports.store import Match, Row
from jarvis_ports.telemetry import Attributes, SpanKind

LEAST_CANDIDATES = 20
CANDIDATES = 2
"""Of each ranking, so many times `top_k` rows are fused, and LEAST_CANDIDATES at the least.

Longer rankings find less: of 2,621 docstrings, each asked for by its first sentence, .704 are among the first
ten with 20 candidates, .697 with 30, .690 with 50 (dense alone .679, words alone .617).
"""


class Search:
    """The use case of searching; `Retrieval` describes it."""

    def __init__(self, shelf: Shelf, instruments: Instruments) -> None:
        self._shelf = shelf
        self._instruments = instruments

    async def run(self, query: SearchQuery) -> Found:
        """Find rows."""
        started = time.monotonic()
        mode = check_query(query)
        told: Attributes = {
            "gen_ai.operation.name": "retrieval",
            "gen_ai.data_source.id": query.collection,
            "gen_ai.retrieval.top_k": query.top_k,
            "jarvis.mode": str(mode),
        }
        with self._instruments.span("retrieval", told, kind=SpanKind.CLIENT) as span:
            hits = await self._find(query, mode)
            span.set({"jarvis.hits": len(hits)})
        seconds = time.monotonic() - started
        self._instruments.observe(RETRIEVAL_LATENCY, seconds, {"mode": str(mode)})
        return Found(tuple(hits), mode)

    async def _find(self, query: SearchQuery, mode: SearchMode) -> list[Hit]:
        collection = await self._shelf.fitting(query.collection)
        if query.vector is not None:
            check_vector("vector", query.vector, collection.spec.dimension)
        match mode:
            case SearchMode.DENSE:
                return await self._dense(collection, query)
            case SearchMode.SPARSE:
                return await self._sparse(collection, query)
            case SearchMode.HYBRID:
                return await self._hybrid(collection, query)

    async def _dense(self, collection: Collection, query: SearchQuery) -> list[Hit]:
        _, matches = await self._nearest(collection, query, query.top_k)
        return [
            Hit(match.row, match.similarity, match.similarity, dense_rank=rank)
            for rank, match in enumerate(matches, 1)
            if _near_enough(match.similarity, query)
        ]

    async def _sparse(self, collection: Collection, query: SearchQuery) -> list[Hit]:
        matches = await self._by_words(collection, query, query.top_k)
        found = await collection.library.texts.rows(collection.name, [match.id for match in matches])
        rows = {row.id: row for row in found}
        return [
            Hit(rows[match.id], match.score, sparse_rank=rank)
            for rank, match in enumerate(matches, 1)
            if match.id in rows
        ]

    async def _hybrid(self, collection: Collection, query: SearchQuery) -> list[Hit]:
        most = max(query.top_k * CANDIDATES, LEAST_CANDIDATES)
        (vector, dense), sparse = await asyncio.gather(
            self._nearest(collection, query, most), self._by_words(collection, query, most)
        )
        fused = fuse([match.row.id for match in dense], [match.id for match in sparse])
        if query.min_similarity is None:
            fused = fused[: query.top_k]
        known = {match.row.id: (match.row, match.similarity) for match in dense}
        known |= await self._rest(collection, vector, [one.id for one in fused if one.id not in known])
        hits = [_hit(one, *known[one.id]) for one in fused if one.id in known]
        return [hit for hit in hits if _near_enough(hit.similarity, query)][: query.top_k]

    async def _nearest(
        self, collection: Collection, query: SearchQuery, most: int
    ) -> tuple[Matrix, Sequence[Match]]:
        """Give the query's vector, and what is nearest to it."""
        vector = query.vector
        if vector is None:
            texts = [query.text or ""]
            embedded = await self._shelf.embedding.embed(
                texts, TextRole.QUERY, truncate=query.truncate, field="text"
            )
            vector = embedded.vectors[0]
        return vector, await collection.library.store.query(collection.name, vector, most, query.filter)

    @staticmethod
    async def _by_words(collection: Collection, query: SearchQuery, most: int) -> list[TextMatch]:
        return await collection.library.texts.search(collection.name, query.text or "", most, query.filter)

    @staticmethod
    async def _rest(
        collection: Collection, vector: Matrix, ids: Sequence[str]
    ) -> dict[str, tuple[Row, float]]:
        """Read rows that were found by words alone, and tell how near they are; some may be gone by now."""
        if not ids:
            return {}
        found = await collection.library.store.get(collection.name, ids, vectors=True)
        if found.vectors is None or not found.rows:
            return {}
        near = similarities(found.vectors, vector, collection.spec.index.space).tolist()
        return {row.id: (row, similarity) for row, similarity in zip(found.rows, near, strict=True)}


def _hit(one: Fused, row: Row, similarity: float) -> Hit:
    return Hit(row, one.score, similarity, one.dense_rank, one.sparse_rank)


def _near_enough(similarity: float | None, query: SearchQuery) -> bool:
    least = query.min_similarity
    return least is None or (similarity is not None and similarity >= least)
