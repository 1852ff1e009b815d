"""The port on sentence-transformers, which embeds one batch at a time, on CPUs in a thread for each role."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from functools import partial
from threading import get_native_id
from typing import TYPE_CHECKING

from jarvis_adapters.sentence_transformers.settings import SentenceTransformersSettings
from jarvis_adapters.sentence_transformers.thread import Hangs, finished, loaded
from jarvis_ports.embedding import EmbedderInfo, Matrix, TextRole
from jarvis_ports.errors import EngineDead
from jarvis_ports.health import Health

if TYPE_CHECKING:
    from jarvis_adapters.sentence_transformers.load import Loaded

NICENESS = 5
"""The niceness of what embeds documents on CPUs."""


@asynccontextmanager
async def running(settings: SentenceTransformersSettings) -> AsyncIterator["SentenceTransformersEmbedder"]:
    """Load a model; on exit, finish the current batch, drop the waiting ones, and free the model's memory.

    Raises:
        EngineStartFailed: the model cannot be loaded; the message is one line that says why.
    """
    async with loaded("load", settings, "embedder") as (found, thread):
        executors = dict.fromkeys(TextRole, thread.executor)
        if found.info.settings["device"] == "cpu":  # on a GPU, each thread would keep 32 MiB for cuBLAS
            give_way = partial(_give_way, int(found.info.settings["threads"]))
            executors[TextRole.DOCUMENT] = ThreadPoolExecutor(1, "embedder-documents", initializer=give_way)
        embedder = SentenceTransformersEmbedder(found, executors, settings.hang_seconds)
        try:
            yield embedder
        finally:
            embedder.close()
            thread.hangs = embedder.hangs
            for one in executors.values():
                if one is not thread.executor:
                    one.shutdown(wait=False)


def _give_way(threads: int) -> None:
    """Lower the priority of this thread, and of the threads that torch starts from it."""
    import torch  # noqa: PLC0415 - takes seconds, and is loaded by now

    torch.set_num_threads(threads)
    thread = get_native_id()
    with suppress(OSError):  # some sandboxes forbid it
        os.setpriority(os.PRIO_PROCESS, thread, max(NICENESS, os.getpriority(os.PRIO_PROCESS, thread)))


class SentenceTransformersEmbedder:
    """An `Embedder` on a loaded model.

    Attributes:
        hangs: whether its thread is stuck in a batch that does not end.
    """

    def __init__(
        self, found: "Loaded", executors: Mapping[TextRole, ThreadPoolExecutor], hang_seconds: float
    ) -> None:
        self.hangs = False
        self._hang_seconds = hang_seconds
        self._loaded = found
        self._encoder = found.runner
        self._executors = executors

    def info(self) -> EmbedderInfo:
        """See `jarvis_ports.embedding.Embedder.info`."""
        return self._loaded.info

    def count_tokens(self, texts: Sequence[str], role: TextRole) -> list[int]:
        """See `jarvis_ports.embedding.Embedder.count_tokens`."""
        prompt = self._loaded.prompts[role]
        return self._loaded.count([prompt + text for text in texts])

    async def embed(self, texts: Sequence[str], role: TextRole) -> Matrix:
        """See `jarvis_ports.embedding.Embedder.embed`."""
        if self._encoder.down:
            raise EngineDead(self._encoder.down)
        run = asyncio.get_running_loop().run_in_executor
        vectors = run(self._executors[role], self._encoder.encode, tuple(texts), role)
        try:
            return await finished(vectors, self._hang_seconds)
        except Hangs as hang:
            self.hangs, self._encoder.down = True, str(hang)
            raise

    async def health(self) -> Health:
        """See `jarvis_ports.embedding.Embedder.health`."""
        return Health(ok=not self._encoder.down, message=self._encoder.down)

    def close(self) -> None:
        """Refuse further batches; those that wait behind the current one raise `EngineDead`."""
        self._encoder.down = self._encoder.down or "the embedder was closed"
