"""Has a reranker order the hits of a search, if it can in time."""

import logging
import time
from asyncio import timeout
from collections.abc import Sequence
from dataclasses import replace

from jarvis.core.reranking import Reranking
from jarvis.core.retrieval.types import RetrievalSettings
from jarvis.core.telemetry.instruments import Instruments
from jarvis.core.telemetry.metrics import RERANKED_SEARCHES
from jarvis_ports.errors import JarvisError, UnsupportedField
from jarvis_ports.values import Hit, SearchQuery

logger = logging.getLogger(__name__)


SHARE = 0.5
"""The most of the time until a caller's deadline that reranking may take."""


class HitReranker:
    """Orders the first hits of a search by a reranker's scores; if that fails, the search answers without."""

    def __init__(self, reranking: Reranking, settings: RetrievalSettings, instruments: Instruments) -> None:
        self._reranking = reranking
        self._candidates = settings.rerank_candidates
        self._seconds = settings.rerank_seconds
        self._instruments = instruments

    def check(self, query: SearchQuery) -> None:
        """Check that what a query asks for can be done.

        Raises:
            UnsupportedField: it is to be reranked, and there is no reranker.
        """
        if query.rerank and not self._reranking.is_configured:
            raise UnsupportedField.of("rerank", "the server has no reranker: reranker.adapter is none")

    def widened(self, query: SearchQuery) -> SearchQuery:
        """Return what to search for: as many hits as there are candidates, if these are to be reranked."""
        return replace(query, top_k=max(query.top_k, self._candidates)) if self._is_for(query) else query

    async def order(
        self, query: SearchQuery, hits: Sequence[Hit], deadline: float | None
    ) -> tuple[list[Hit], bool]:
        """Return the best hits that were asked for, and whether they are reranked."""
        if not (hits and self._is_for(query)):
            return list(hits[: query.top_k]), False
        first, rest = hits[: self._candidates], hits[self._candidates :]
        seconds = self._seconds
        if deadline is not None:
            seconds = min(seconds, (deadline - time.monotonic()) * SHARE)
        scores, outcome = await self._score(query.text or "", [hit.text for hit in first], seconds)
        self._instruments.count(RERANKED_SEARCHES, {"outcome": outcome})
        if scores is None:
            return list(hits[: query.top_k]), False
        scored = [replace(hit, rerank_score=score) for hit, score in zip(first, scores, strict=True)]
        scored.sort(key=lambda hit: -(hit.rerank_score or 0.0))
        return [*scored, *rest][: query.top_k], True

    def _is_for(self, query: SearchQuery) -> bool:
        wanted = query.rerank is not False and query.text is not None
        return wanted and self._reranking.is_configured

    async def _score(
        self, text: str, documents: Sequence[str], seconds: float
    ) -> tuple[list[float] | None, str]:
        """Return the scores, if there are any, and what became of them."""
        try:
            async with timeout(seconds) as within:
                return await self._reranking.score(text, documents), "done"
        except Exception as error:  # noqa: BLE001 - an answer that is not reranked is better than none
            if late := isinstance(error, TimeoutError) and within.expired():
                why = f"the reranker took more than {seconds:.3g} s"
            else:
                why = str(error) if isinstance(error, JarvisError) else repr(error)
            logger.warning("a search is answered without reranking: %s", why)
            return None, "late" if late else "failed"
