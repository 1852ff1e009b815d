"""The use case of embedding."""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np

from jarvis.core.embedding.batcher import Batcher
from jarvis.core.embedding.queue import Flight, Kind
from jarvis.core.embedding.tiers import Tiers
from jarvis.core.embedding.validation import check_lengths, check_request
from jarvis.core.embedding.values import make_keys, shortened
from jarvis.core.lifecycle.component import Component
from jarvis.core.telemetry.instruments import Instruments
from jarvis.core.telemetry.measure import named, request_duration
from jarvis_ports.cache import Cache
from jarvis_ports.embedding import Embedder, EmbedderInfo
from jarvis_ports.errors import ModelNotFound, NotConfigured
from jarvis_ports.telemetry import Span, SpanKind
from jarvis_ports.values import Embeddings, TextRole

MAX_COUNTED_AT_ONCE = 4096
"""The most characters whose tokens are counted on the event loop; each text counts as 256 more of them.

Measured with all-MiniLM-L6-v2: 0.1 ms per text and 0.3 ms per thousand characters, so at most 1.5 ms.
"""


class Embedding:
    """Embeds texts: from the caches, or with the model, whose batches all requests share.

    Args:
        embedder: the model; None if none is configured.
        caches: the tiers of the cache, the fastest first.
        max_batch_tokens: the most tokens that go through the model at once, including padding.
        instruments: measure the requests.
    """

    def __init__(
        self,
        embedder: Component[Embedder] | None,
        caches: Sequence[Component[Cache]],
        *,
        max_batch_tokens: int,
        instruments: Instruments,
    ) -> None:
        self._instruments = instruments
        self._tiers = Tiers(caches, instruments)
        self._embedder = embedder
        if embedder:
            self._batcher = Batcher(embedder, max_batch_tokens, self._tiers.put, instruments)

    @property
    def name(self) -> str:
        """The model's name.

        Raises:
            NotConfigured: there is none.
        """
        return self._configured().name

    @property
    def info(self) -> EmbedderInfo:
        """The model's properties.

        Raises:
            NotConfigured: there is none.
            ModelLoading, EngineDead: it is not open.
        """
        return self._configured().port.info()

    def count_tokens(self, texts: Sequence[str], role: TextRole) -> list[int]:
        """Count tokens as `Embedder.count_tokens` does; raises what `info` raises."""
        with self._configured().use() as embedder:
            return embedder.count_tokens(texts, role)

    async def flush(self) -> None:
        """Wait until every cache has stored what was embedded so far."""
        await self._tiers.flush()

    @property
    def queue_depth(self) -> int:
        """The number of texts that wait for a batch."""
        return self._batcher.depth if self._embedder else 0

    async def embed(  # noqa: PLR0913 - each is a field of the request
        self,
        texts: Sequence[str],
        role: TextRole,
        *,
        model: str = "",
        dimension: int | None = None,
        truncate: bool = False,
        field: str = "texts[{}]",
    ) -> Embeddings:
        """Embed texts, at most `MAX_TEXTS`.

        Args:
            texts: the texts, none of which is empty.
            role: what they are for.
            model: the model's name; empty means the one that is configured.
            dimension: how many leading components to keep; the vectors are then scaled to length 1 again.
            truncate: whether to cut off texts that are too long, instead of refusing them.
            field: the path that is blamed for a text, whose index takes the place of `{}`.

        Raises:
            NotConfigured: there is no embedder.
            ModelNotFound: the embedder has another name.
            InvalidArgument: there is no text, or too many, or one that is empty or far too long; or the
                dimension is out of range.
            TextTooLong: a text has more tokens than the model reads; each such text is named.
            ModelLoading, EngineDead: the model is not open, or died.
            EngineFailure: the model failed on one of the texts.
        """
        embedder = self._configured()
        if model not in {"", embedder.name}:
            raise ModelNotFound(model, [embedder.name])
        with self._measured(embedder) as span:
            info = embedder.port.info()
            check_request(texts, dimension, info, field)
            keys = make_keys(info.identity, role, texts)
            wanted = dict(zip(keys, texts, strict=True))
            with self._batcher.waiting() as waiting:
                waiting.join(wanted)
                found = await self._tiers.get(
                    [key for key in wanted if key not in waiting.flights], info.dimension
                )
                known = found.keys() | waiting.flights.keys()
                missing = {key: text for key, text in wanted.items() if key not in known}
                with embedder.use() as port:
                    counts = await _count(port, missing, role)
                tokens = counts | {key: vector.tokens for key, vector in found.items()}
                tokens |= {key: flight.tokens for key, flight in waiting.flights.items()}
                each = tuple(tokens[key] for key in keys)
                if not truncate:
                    check_lengths(each, info.max_tokens, field)
                new = {
                    key: Flight(key, text, counts[key], min(counts[key], info.max_tokens))
                    for key, text in missing.items()
                }
                waiting.send(Kind(info.identity, role), new)
                all_ = found | await waiting.vectors()
            span.set(
                {
                    "gen_ai.embeddings.dimension.count": dimension or info.dimension,
                    "gen_ai.response.model": embedder.name,
                    "gen_ai.usage.input_tokens": sum(each),
                    "jarvis.cached_texts": len(found),
                }
            )
            vectors = np.stack([all_[key].components for key in keys], dtype=np.float32)
            return Embeddings.of(
                embedder.name,
                vectors if dimension is None else shortened(vectors, dimension),
                tokens=each,
                truncated=tuple(count > info.max_tokens for count in each),
                cached=tuple(key in found for key in keys),
            )

    @contextmanager
    def _measured(self, embedder: Component[Embedder]) -> Iterator[Span]:
        names = named("embeddings", embedder)
        with (
            request_duration(self._instruments, names, time.monotonic()),
            self._instruments.span(f"embeddings {embedder.name}", names, kind=SpanKind.CLIENT) as span,
        ):
            yield span

    def _configured(self) -> Component[Embedder]:
        if self._embedder is None:
            msg = "no embedder is configured: embedder.adapter is none"
            raise NotConfigured(msg)
        return self._embedder


async def _count(embedder: Embedder, texts: Mapping[bytes, str], role: TextRole) -> dict[bytes, int]:
    """Count the tokens of texts, in a thread if that takes long."""
    values = list(texts.values())
    if sum(len(text) + 256 for text in values) <= MAX_COUNTED_AT_ONCE:
        counts = embedder.count_tokens(values, role) if values else []
    else:
        counts = await asyncio.to_thread(embedder.count_tokens, values, role)
    return dict(zip(texts, counts, strict=True))
