"""The `Embedder` port on servers that speak OpenAI's API."""

import asyncio
import base64
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Any

import numpy as np

from jarvis_openai.capabilities import find_model
from jarvis_openai.errors import ELSEWHERE, Refused
from jarvis_openai.pool import Pool, watched
from jarvis_openai.settings import OpenAIEmbedderSettings
from jarvis_openai.texts import Texts
from jarvis_ports.embedding import EmbedderInfo, Matrix, TextRole
from jarvis_ports.errors import EngineFailure, EngineStartFailed
from jarvis_ports.health import Health

EMBEDDINGS = "/embeddings"
TRIED = "How long is a vector, and of how many tokens is this?"


@asynccontextmanager
async def running(settings: OpenAIEmbedderSettings) -> AsyncIterator["OpenAIEmbedder"]:
    """Find the dimension at the first server that is well, and watch all of them; see `open_embedder`."""
    async with watched(settings) as pool:
        endpoint = next(pool.choices())
        try:
            found = await find_model(endpoint, settings.model)
            if (most := settings.max_tokens or found.context_length) is None:
                msg = f"{endpoint.url} does not tell how many tokens the model reads; set max_tokens"
                raise EngineStartFailed(msg)
            told = await endpoint.call(EMBEDDINGS, {"model": found.model, "input": [TRIED]})
            dimension = len(_vectors(told, 1)[0])
        except (Refused, *ELSEWHERE) as error:
            msg = f"{endpoint.url} does not embed: {error}"
            raise EngineStartFailed(msg) from error
        texts = await asyncio.to_thread(Texts, settings, most)
        counted = (told.get("usage") or {}).get("prompt_tokens")
        expected = texts.count([TRIED], None)[0]
        differs = f"{endpoint.url} counts {counted} tokens where the tokenizer counts {expected}"
        made_of = (found.root, dimension, most, settings.query_prefix, settings.document_prefix)
        identity = sha256(repr((*made_of, settings.revision)).encode()).hexdigest()[:16]
        info = EmbedderInfo(
            identity=f"openai-1-{found.model}-{identity}",
            dimension=dimension,
            max_tokens=most,
            notes=() if counted in {None, expected} else (differs,),
            settings={"model": found.root, "batch_texts": str(settings.batch_texts)},
        )
        yield OpenAIEmbedder(pool, found.model, texts, info, settings.batch_texts)


class OpenAIEmbedder:
    """A model that one or more servers have.

    Args:
        pool: the servers.
        model: the model's name there.
        texts: counts and cuts texts.
        info: its properties.
        batch_texts: the most texts of one request to a server.
    """

    def __init__(self, pool: Pool, model: str, texts: Texts, info: EmbedderInfo, batch_texts: int) -> None:
        self._pool = pool
        self._model = model
        self._texts = texts
        self._info = info
        self._batch_texts = batch_texts

    def info(self) -> EmbedderInfo:
        """See `Embedder.info`."""
        return self._info

    def count_tokens(self, texts: Sequence[str], role: TextRole) -> list[int]:
        """See `Embedder.count_tokens`."""
        return self._texts.count(texts, role)

    async def embed(self, texts: Sequence[str], role: TextRole) -> Matrix:
        """See `Embedder.embed`; each part of the batch goes to the server with the least to do."""
        cut = await asyncio.to_thread(self._texts.cut, texts, role)
        parts = [cut[start : start + self._batch_texts] for start in range(0, len(cut), self._batch_texts)]
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._embed(part)) for part in parts]
        except ExceptionGroup as failed:
            first = failed.exceptions[0]
            raise (EngineFailure(str(first)) if isinstance(first, Refused) else first) from None
        return np.concatenate([np.empty((0, self._info.dimension), np.float32), *(t.result() for t in tasks)])

    async def health(self) -> Health:
        """See `Embedder.health`: it is well while a server is."""
        return self._pool.health()

    async def _embed(self, texts: Sequence[str]) -> Matrix:
        asked = {"model": self._model, "input": list(texts), "encoding_format": "base64"}
        told = await self._pool.call(EMBEDDINGS, asked)
        vectors = await asyncio.to_thread(_vectors, told, len(texts))
        if vectors.shape[1] != self._info.dimension:
            msg = f"a vector has {vectors.shape[1]} components, and had {self._info.dimension} at first"
            raise EngineFailure(msg)
        return vectors


def _vectors(told: Any, wanted: int) -> Matrix:  # noqa: ANN401 - JSON
    """Return the vectors of an answer, in the order of the texts, with the length 1.

    Raises:
        EngineFailure: they are not as many, not all as long, or zero.
    """
    try:
        rows = sorted(told["data"], key=lambda row: row["index"])
        vectors = np.stack([_vector(row["embedding"]) for row in rows])
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if [row["index"] for row in rows] != list(range(wanted)) or not (lengths > 0).all():
            msg = f"{len(rows)} vectors for {wanted} texts, or a vector without a direction"
            raise EngineFailure(msg)
    except (KeyError, TypeError, ValueError) as error:
        msg = f"the server's vectors cannot be read: {type(error).__name__}: {error}"
        raise EngineFailure(msg) from None
    unit: Matrix = vectors / lengths
    return unit


def _vector(told: str | list[float]) -> Matrix:
    """Return a vector; some servers send numbers although base64 was asked for."""
    if isinstance(told, str):
        return np.frombuffer(base64.b64decode(told), "<f4").astype(np.float32)
    return np.array(told, np.float32)
