"""The thread in which a model is loaded, run and freed."""

import asyncio
import gc
import importlib
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from threading import Event
from typing import Any, TypeVar

from jarvis_adapters.sentence_transformers.errors import first_line
from jarvis_plugins import AdapterSettings
from jarvis_ports.errors import EngineDead, EngineStartFailed
from jarvis_toolkit.openmp import passive_waiting

T = TypeVar("T")


class Hangs(EngineDead):
    """A batch does not end, and nothing can end the thread that it is in."""


@dataclass
class ModelThread:
    """A model's thread; `hangs` is whether it is stuck in a batch that does not end."""

    executor: ThreadPoolExecutor
    hangs: bool = False


@asynccontextmanager
async def loaded(module: str, settings: AdapterSettings, name: str) -> AsyncIterator[tuple[Any, ModelThread]]:
    """Load a model with a module's `load`; on exit, finish the current batch, and free the model's memory.

    If the load is cancelled, its thread ends after the current step: importing the libraries or reading the
    model. Only the exit of the process waits for that, because cutting a thread off inside torch would abort
    the process ("terminate called").

    Args:
        module: a module of this package; what its `load` returns has a `runner`.
        settings: say which model, and where it runs.
        name: the thread's name.

    Raises:
        EngineStartFailed: the model cannot be loaded; the message is one line that says why.
    """
    thread = ModelThread(ThreadPoolExecutor(1, thread_name_prefix=name))
    run = partial(asyncio.get_running_loop().run_in_executor, thread.executor)
    abandoned = Event()
    session = ExitStack()  # filled and closed in one thread, as torch sets the GPU per thread
    session.callback(gc.collect)  # frees a model's CPU memory, as models have reference cycles
    try:
        found = await run(_load, module, settings, abandoned, session)
        try:
            yield found, thread
        finally:
            if not thread.hangs:
                await asyncio.shield(run(session.close))
    finally:
        abandoned.set()
        thread.executor.submit(session.close)  # for a load that failed or was cancelled
        thread.executor.shutdown(wait=False)


def _load(module: str, settings: AdapterSettings, abandoned: Event, session: ExitStack) -> Any:  # noqa: ANN401
    try:
        with passive_waiting():
            import torch  # noqa: F401, PLC0415 - takes seconds
        load = importlib.import_module(f"jarvis_adapters.sentence_transformers.{module}").load
    except Exception as error:  # noqa: BLE001 - installed packages that do not match fail in any way
        msg = f"sentence-transformers cannot be imported: {first_line(error)}"
        raise EngineStartFailed(msg) from None
    if abandoned.is_set():
        msg = "nobody waits for the model any more"
        raise EngineStartFailed(msg)
    found = load(settings, session)
    session.callback(found.runner.drop)
    return found


async def finished(batch: "asyncio.Future[T]", hang_seconds: float) -> T:
    """Wait for a batch, and return its result; a pause of the machine counts as 1 s at most.

    Raises:
        Hangs: it takes longer than `hang_seconds`.
    """
    try:
        for _ in range(round(hang_seconds)):
            if (await asyncio.wait([batch], timeout=1))[0]:
                return batch.result()
    finally:
        batch.cancel()
    raise Hangs(f"a batch did not end within {hang_seconds:g} s")
