"""The port on sentence-transformers, which embeds one batch at a time, on CPUs in a thread for each role."""

import asyncio
import gc
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager, suppress
from functools import partial
from threading import Event, get_native_id
from typing import TYPE_CHECKING

from jarvis_adapters.sentence_transformers.errors import first_line
from jarvis_adapters.sentence_transformers.settings import SentenceTransformersSettings
from jarvis_ports.embedding import EmbedderInfo, Matrix, TextRole
from jarvis_ports.errors import EngineDead, EngineStartFailed
from jarvis_ports.health import Health
from jarvis_toolkit.openmp import passive_waiting

if TYPE_CHECKING:
    from jarvis_adapters.sentence_transformers.load import Loaded

NICENESS = 5
"""The niceness of what embeds documents on CPUs."""


@asynccontextmanager
async def running(settings: SentenceTransformersSettings) -> AsyncIterator["SentenceTransformersEmbedder"]:
    """Load a model; on exit, finish the current batch, drop the waiting ones, and free the model's memory.

    If the load is cancelled, its thread ends after the current step: importing the libraries or reading the
    model. Only the exit of the process waits for that, because cutting a thread off inside torch would abort
    the process ("terminate called").

    Raises:
        EngineStartFailed: the model cannot be loaded; the message is one line that says why.
    """
    executor = ThreadPoolExecutor(1, thread_name_prefix="embedder")
    executors = dict.fromkeys(TextRole, executor)
    run = partial(asyncio.get_running_loop().run_in_executor, executor)
    abandoned = Event()
    session = ExitStack()  # filled and closed in one thread, as torch sets the GPU per thread
    session.callback(gc.collect)  # frees a model's CPU memory, as models have reference cycles
    try:
        loaded = await run(_load, settings, abandoned, session)
        if loaded.info.settings["device"] == "cpu":  # on a GPU, each thread would keep 32 MiB for cuBLAS
            give_way = partial(_give_way, int(loaded.info.settings["threads"]))
            executors[TextRole.DOCUMENT] = ThreadPoolExecutor(1, "embedder-documents", initializer=give_way)
        embedder = SentenceTransformersEmbedder(loaded, executors, settings.hang_seconds)
        try:
            yield embedder
        finally:
            embedder.close()
            if not embedder.hangs:
                await asyncio.shield(run(session.close))
    finally:
        abandoned.set()
        executor.submit(session.close)  # for a load that failed or was cancelled
        for one in executors.values():
            one.shutdown(wait=False)


def _give_way(threads: int) -> None:
    """Lower the priority of this thread, and of the threads that torch starts from it."""
    import torch  # noqa: PLC0415 - takes seconds, and is loaded by now

    torch.set_num_threads(threads)
    thread = get_native_id()
    with suppress(OSError):  # some sandboxes forbid it
        os.setpriority(os.PRIO_PROCESS, thread, max(NICENESS, os.getpriority(os.PRIO_PROCESS, thread)))


def _load(settings: SentenceTransformersSettings, abandoned: Event, session: ExitStack) -> "Loaded":
    try:
        with passive_waiting():
            import torch  # noqa: F401, PLC0415 - takes seconds
        from jarvis_adapters.sentence_transformers.load import load  # noqa: PLC0415 - takes seconds
    except Exception as error:  # noqa: BLE001 - installed packages that do not match fail in any way
        msg = f"sentence-transformers cannot be imported: {first_line(error)}"
        raise EngineStartFailed(msg) from None
    if abandoned.is_set():
        msg = "nobody waits for the model any more"
        raise EngineStartFailed(msg)
    loaded = load(settings, session)
    session.callback(loaded.encoder.drop)
    return loaded


class SentenceTransformersEmbedder:
    """An `Embedder` on a loaded model.

    Attributes:
        hangs: whether its thread is stuck in a batch that does not end.
    """

    def __init__(
        self, loaded: "Loaded", executors: Mapping[TextRole, ThreadPoolExecutor], hang_seconds: float
    ) -> None:
        self.hangs = False
        self._hang_seconds = hang_seconds
        self._loaded = loaded
        self._encoder = loaded.encoder
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
            for _ in range(round(self._hang_seconds)):  # a pause of the machine counts as 1 s at most
                if (await asyncio.wait([vectors], timeout=1))[0]:
                    return vectors.result()
        finally:
            vectors.cancel()
        self.hangs = True
        self._encoder.down = f"a batch did not end within {self._hang_seconds:g} s"
        raise EngineDead(self._encoder.down)

    async def health(self) -> Health:
        """See `jarvis_ports.embedding.Embedder.health`."""
        return Health(ok=not self._encoder.down, message=self._encoder.down)

    def close(self) -> None:
        """Refuse further batches; those that wait behind the current one raise `EngineDead`."""
        self._encoder.down = self._encoder.down or "the embedder was closed"
