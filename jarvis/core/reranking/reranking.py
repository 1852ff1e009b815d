"""The use case of reranking."""

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from jarvis.core.lifecycle.component import Component
from jarvis.core.reranking.validation import check_rerank
from jarvis.core.telemetry import metrics
from jarvis.core.telemetry.instruments import Instruments
from jarvis.core.telemetry.measure import named, request_duration
from jarvis_ports.errors import EngineDead, EngineFailure, ModelNotFound, NotConfigured, TextTooLong
from jarvis_ports.reranker import Reranker
from jarvis_ports.telemetry import SpanKind
from jarvis_ports.values import Reranked, RerankRequest, ScoredDocument


class Reranking:
    """Scores documents by how well they answer a query.

    Args:
        reranker: the model; None if none is configured.
        instruments: measure the requests.
    """

    def __init__(self, reranker: Component[Reranker] | None, instruments: Instruments) -> None:
        self._reranker = reranker
        self._instruments = instruments

    @property
    def is_configured(self) -> bool:
        """Whether there is a model."""
        return self._reranker is not None

    async def rerank(self, request: RerankRequest) -> Reranked:
        """Score the documents of a request, and return the best.

        Raises:
            NotConfigured: there is no reranker.
            ModelNotFound: the reranker has another name.
            InvalidArgument: naming every field that is wrong.
            TextTooLong: the query and a document have more tokens than the model reads.
            Unavailable: the model is not open, or cannot score now.
            EngineFailure: the model failed at these texts.
        """
        reranker = self._configured()
        if request.model not in {None, "", reranker.name}:
            raise ModelNotFound(request.model or "", [reranker.name])
        check_rerank(request)
        with self._used(reranker, request.documents) as port:
            tokens = await port.count_tokens(request.query, request.documents)
            most = port.info().max_tokens
            too_long = {f"documents[{index}]": count for index, count in enumerate(tokens) if count > most}
            if too_long and not request.truncate:
                raise TextTooLong(too_long, max_tokens=most, what="the query and this document have")
            scores = await _scores(port, request.query, request.documents)
        order = sorted(range(len(scores)), key=lambda index: -scores[index])[: request.top_n]
        return Reranked(
            reranker.name,
            tuple(
                ScoredDocument(
                    index,
                    scores[index],
                    tokens[index],
                    truncated=tokens[index] > most,
                    document=request.documents[index] if request.return_documents else None,
                )
                for index in order
            ),
            sum(tokens),
        )

    async def score(self, query: str, documents: Sequence[str]) -> list[float]:
        """Return the score of each document; one that is too long is cut off. Raises what `rerank` raises."""
        with self._used(self._configured(), documents) as port:
            return await _scores(port, query, documents)

    @contextmanager
    def _used(self, reranker: Component[Reranker], documents: Sequence[str]) -> Iterator[Reranker]:
        """Yield the opened adapter, and measure the block as one request to it."""
        names = named("rerank", reranker)
        span = self._instruments.span(
            f"rerank {reranker.name}", {**names, "jarvis.documents": len(documents)}, kind=SpanKind.CLIENT
        )
        with request_duration(self._instruments, names, time.monotonic()), span, reranker.use() as port:
            try:
                yield port
            except EngineDead as error:
                reranker.suspect()
                reranker.set_retry_after(error)
                raise
        self._instruments.count(metrics.RERANKED, {"model": reranker.name}, len(documents))

    def _configured(self) -> Component[Reranker]:
        if self._reranker is None:
            msg = "no reranker is configured: reranker.adapter is none"
            raise NotConfigured(msg)
        return self._reranker


async def _scores(reranker: Reranker, query: str, documents: Sequence[str]) -> list[float]:
    scores = await reranker.score(query, documents)
    if len(scores) != len(documents) or not all(map(math.isfinite, scores)):
        msg = f"the model gave {len(documents)} documents {len(scores)} scores, or one that is not finite"
        raise EngineFailure(msg)
    return scores
