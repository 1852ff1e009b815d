"""Starts and stops the engine, off the event loop."""

import asyncio
import contextlib
import logging
import os
import tempfile
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

from jarvis_adapters.vllm.abandon import in_thread
from jarvis_adapters.vllm.failures import FailureLog
from jarvis_adapters.vllm.llm import VLLM
from jarvis_adapters.vllm.orphan import SERVER_PID
from jarvis_adapters.vllm.settings import VLLMSettings, engine_args
from jarvis_adapters.vllm.step_down import is_out_of_memory, smaller
from jarvis_ports.errors import EngineStartFailed

logger = logging.getLogger(__name__)


@contextlib.asynccontextmanager
async def running_engine(settings: VLLMSettings) -> AsyncIterator[VLLM]:
    """Start an engine, and end its processes when the context is left.

    Raises:
        EngineStartFailed: with what vLLM said, after the last step down.
    """
    with tempfile.TemporaryDirectory(prefix="jarvis-vllm-") as folder:
        failures = FailureLog(Path(folder))
        start = partial(_start, settings, failures)
        engine, notes = await in_thread(start, abandon=lambda started: started[0].shutdown())
        try:
            yield VLLM(engine, notes, failures)
        finally:
            await asyncio.shield(asyncio.to_thread(engine.shutdown))
            engine.shutdown = lambda: None  # its destructor calls it again, when half of Python is gone


def _start(settings: VLLMSettings, failures: FailureLog) -> tuple[Any, list[str]]:
    # A child made by fork would share the threads and sockets of gRPC.
    os.environ.setdefault("VLLM_WORKER_MULTIPROC_METHOD", "spawn")
    os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
    os.environ[SERVER_PID] = str(os.getpid())
    from vllm.platforms import current_platform  # noqa: PLC0415 - takes seconds

    args = engine_args(settings, cpu=current_platform.is_cpu())
    notes: list[str] = []
    steps = smaller(args)
    while True:
        try:
            return _start_once(args, failures), notes
        except EngineStartFailed as error:
            step = next(steps, None) if settings.step_down and is_out_of_memory(str(error)) else None
            if step is None:
                tried = f" (after: {'; '.join(notes)})" if notes else ""
                msg = f"{error}{tried}"
                raise EngineStartFailed(msg) from None
            args, note = step
            logger.warning("vLLM did not start: %s", error)
            logger.warning("starting again: %s", note)
            notes.append(note)


def _start_once(args: dict[str, Any], failures: FailureLog) -> Any:  # noqa: ANN401 - vLLM is imported late
    from vllm.config.logging import LoggingConfig  # noqa: PLC0415
    from vllm.engine.arg_utils import AsyncEngineArgs  # noqa: PLC0415
    from vllm.envs import disable_envs_cache, enable_envs_cache  # noqa: PLC0415
    from vllm.v1.engine.async_llm import AsyncLLM  # noqa: PLC0415

    disable_envs_cache()  # an engine that starts again may set other variables
    failures.clear()
    logs = LoggingConfig(pylogging_config_file=str(failures.config))
    try:
        engine = AsyncLLM.from_engine_args(AsyncEngineArgs(**{"logging_config": logs, **args}))
    except Exception as error:
        cause = failures.root_cause() or f"{type(error).__name__}: {error}"
        raise EngineStartFailed(cause) from error
    enable_envs_cache()  # without it, os.environ is read anew for each token
    return engine
