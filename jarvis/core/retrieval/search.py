"""Finds rows: by vector, by words, by both."""

import asyncio
import time
from collections.abc import Sequence

from jarvis.core.retrieval.catalog import Collection, CollectionCatalog
from jarvis.core.retrieval.distinct import distinct, grouped
from jarvis.core.retrieval.fusion import fuse
from jarvis.core.retrieval.hits import make_hit
from jarvis.core.retrieval.reranked import HitReranker
from jarvis.core.retrieval.text_index import Ranked
from jarvis.core.retrieval.validation import check_query
from jarvis.core.retrieval.vectors import check_vector
from jarvis.core.telemetry.instruments import Instruments
from jarvis.core.telemetry.metrics import RETRIEVAL_LATENCY
from jarvis_ports.embedding import Matrix, TextRole
from jarvis_ports.telemetry import Attributes, SpanKind
from jarvis_ports.values import Hit, Row, SearchMode, SearchQuery, SearchResult, Space
from jarvis_toolkit.similarity import similarities

LEAST_CANDIDATES = 20
CANDIDATES = 2
"""The number of texts of each ranking that are fused, as a multiple of `top_k`; at least LEAST_CANDIDATES.

Longer rankings find less: of 2,621 docstrings, each searched for by its first sentence, .704 are among the
first ten with 20 candidates, .697 with 30, and .690 with 50 (dense alone .679, words alone .617).
"""


class Search:
    """The use case of searching; `Retrieval` says what it raises."""

    def __init__(self, catalog: CollectionCatalog, reranker: HitReranker, instruments: Instruments) -> None:
        self._catalog = catalog
        self._reranker = reranker
        self._instruments = instruments

    async def run(self, query: SearchQuery, deadline: float | None = None) -> SearchResult:
        """Return the rows that answer a query.

        Args:
            query: what to find.
            deadline: until when an answer is of use, by `time.monotonic`; None if there is none.

        Raises:
            InvalidArgument: naming every field that is wrong; `TextTooLong` for the text.
            UnsupportedField: the query is to be reranked, and there is no reranker.
            CollectionMismatch: the collection was made for another embedding model.
        """
        started = time.monotonic()
        mode = check_query(query)
        self._reranker.check(query)
        attributes: Attributes = {
            "gen_ai.operation.name": "retrieval",
            "gen_ai.data_source.id": query.collection,
            "gen_ai.retrieval.top_k": query.top_k,
            "jarvis.mode": str(mode),
        }
        with self._instruments.span("retrieval", attributes, kind=SpanKind.CLIENT) as span:
            hits = await self._find(self._reranker.widened(query), mode)
            hits, reranked = await self._reranker.order(query, hits, deadline)
            span.set({"jarvis.hits": len(hits), "jarvis.reranked": reranked})
        seconds = time.monotonic() - started
        self._instruments.observe(RETRIEVAL_LATENCY, seconds, {"mode": str(mode)})
        return SearchResult(tuple(hits), mode, reranked)

    async def space(self, collection: str) -> Space:
        """Return how a collection measures the distance of vectors."""
        return (await self._catalog.get(collection)).spec.index.space

    async def _find(self, query: SearchQuery, mode: SearchMode) -> list[Hit]:
        collection = await self._catalog.fitting(query.collection)
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
        _, groups = await self._nearest(collection, query, query.top_k)
        return [
            make_hit([one.row for one in group], group[0].score, similarity=group[0].score, dense_rank=rank)
            for rank, group in enumerate(groups, 1)
            if _near_enough(group[0].score, query)
        ]

    async def _sparse(self, collection: Collection, query: SearchQuery) -> list[Hit]:
        groups = await self._by_words(collection, query, query.top_k)
        return [
            make_hit([one.row for one in group], group[0].score, sparse_rank=rank)
            for rank, group in enumerate(groups, 1)
        ]

    async def _hybrid(self, collection: Collection, query: SearchQuery) -> list[Hit]:
        most = max(query.top_k * CANDIDATES, LEAST_CANDIDATES)
        (vector, dense), sparse = await asyncio.gather(
            self._nearest(collection, query, most), self._by_words(collection, query, most)
        )
        near = {group[0].row.id: group[0].score for group in dense}
        rows = {group[0].row.id: [one.row for one in group] for group in dense}
        fused = fuse(list(near), _joined(rows, sparse))
        if query.min_similarity is None:
            fused = fused[: query.top_k]
        near |= await self._rest(collection, vector, [one.id for one in fused if one.id not in near])
        hits = [
            make_hit(rows[one.id], one.score, near[one.id], one.dense_rank, one.sparse_rank)
            for one in fused
            if one.id in near
        ]
        return [hit for hit in hits if _near_enough(hit.similarity, query)][: query.top_k]

    async def _nearest(
        self, collection: Collection, query: SearchQuery, most: int
    ) -> tuple[Matrix, list[list[Ranked]]]:
        """Return the query's vector, and the texts that are nearest to it."""
        vector = query.vector
        if vector is None:
            texts = [query.text or ""]
            embedded = await self._catalog.embed(texts, TextRole.QUERY, truncate=query.truncate, field="text")
            vector = embedded[0]

        async def fetch(asked: int) -> list[Ranked]:
            matches = await collection.library.store.query(collection.name, vector, asked, query.filter)
            return [Ranked(match.row, match.similarity) for match in matches]

        return vector, await distinct(fetch, most)

    @staticmethod
    async def _by_words(collection: Collection, query: SearchQuery, most: int) -> list[list[Ranked]]:
        texts = collection.library.texts
        return grouped(await texts.search(collection.name, query.text or "", most, query.filter))

    @staticmethod
    async def _rest(collection: Collection, vector: Matrix, ids: Sequence[str]) -> dict[str, float]:
        """Return the similarities of rows that were found by words alone; some may be gone by now."""
        if not ids:
            return {}
        found = await collection.library.store.get(collection.name, ids, vectors=True)
        if found.vectors is None or not found.rows:
            return {}
        near = similarities(found.vectors, vector, collection.spec.index.space).tolist()
        return {row.id: similarity for row, similarity in zip(found.rows, near, strict=True)}


def _joined(rows: dict[str, list[Row]], sparse: Sequence[Sequence[Ranked]]) -> list[str]:
    """Return the ranking by words, in terms of the keys of `rows`; add the rows that only words found."""
    names = {row.id: name for name, there in rows.items() for row in there}
    ranking: list[str] = []
    for group in sparse:
        known = dict.fromkeys(names[one.row.id] for one in group if one.row.id in names)
        named = list(known) or [group[0].row.id]
        rows.setdefault(named[0], []).extend(one.row for one in group if one.row.id not in names)
        ranking += named
    return ranking


def _near_enough(similarity: float | None, query: SearchQuery) -> bool:
    least = query.min_similarity
    return least is None or (similarity is not None and similarity >= least)
