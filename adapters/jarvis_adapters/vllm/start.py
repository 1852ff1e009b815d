"""Starts and stops the engine, off the event loop."""

import asyncio
import contextlib
import logging
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from functools import partial
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any

from vllm.config import VllmConfig
from vllm.config.logging import LoggingConfig
from vllm.engine.arg_utils import AsyncEngineArgs
from vllm.envs import disable_envs_cache, enable_envs_cache
from vllm.platforms import current_platform
from vllm.tokenizers.registry import cached_tokenizer_from_config
from vllm.usage.usage_lib import UsageContext
from vllm.v1.engine.async_llm import AsyncLLM

from jarvis_adapters.vllm.abandon import in_thread
from jarvis_adapters.vllm.capabilities import find_capabilities
from jarvis_adapters.vllm.exclusive import PREPARING, TAKING_GPU_MEMORY
from jarvis_adapters.vllm.failures import FailureLog
from jarvis_adapters.vllm.llm import VLLM
from jarvis_adapters.vllm.metrics import Metrics
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
        resource_tracker.ensure_running()  # it is all engines', and not to end with a start that is cancelled
        start = partial(_start, settings, failures)
        engine, notes = await in_thread(start, abandon=lambda started: started[0].shutdown())
        try:
            yield VLLM(engine, await find_capabilities(engine, notes), failures)
        finally:
            await asyncio.shield(asyncio.to_thread(engine.shutdown))
            engine.shutdown = lambda: None  # its destructor calls it again, when half of Python is gone


def _start(settings: VLLMSettings, failures: FailureLog) -> tuple[Any, list[str]]:
    # A child made by fork would share the threads and sockets of gRPC.
    os.environ.setdefault("VLLM_WORKER_MULTIPROC_METHOD", "spawn")
    os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
    os.environ[SERVER_PID] = str(os.getpid())
    cpu = current_platform.is_cpu()
    args = engine_args(settings, cpu=cpu)
    with contextlib.nullcontext() if cpu else TAKING_GPU_MEMORY:
        return _start_or_step_down(args, failures, steps=smaller(args) if settings.step_down else iter(()))


def _start_or_step_down(
    args: dict[str, Any], failures: FailureLog, steps: Iterator[tuple[dict[str, Any], str]]
) -> tuple[Any, list[str]]:
    notes: list[str] = []
    while True:
        try:
            return _start_once(args, failures), notes
        except EngineStartFailed as error:
            step = next(steps, None) if is_out_of_memory(str(error)) else None
            if step is None:
                tried = f" (after: {'; '.join(notes)})" if notes else ""
                msg = f"{error}{tried}"
                raise EngineStartFailed(msg) from None
            args, note = step
            logger.warning("vLLM did not start: %s", error)
            logger.warning("starting again: %s", note)
            notes.append(note)


def _start_once(args: dict[str, Any], failures: FailureLog) -> AsyncLLM:
    failures.clear()
    logs = LoggingConfig(pylogging_config_file=str(failures.config))
    try:
        asked = AsyncEngineArgs(**{"logging_config": logs, **args})
        return AsyncLLM.from_vllm_config(
            _prepared(asked),
            stat_loggers=None if asked.disable_log_stats else [Metrics],
            enable_log_requests=asked.enable_log_requests,
            disable_log_stats=asked.disable_log_stats,
        )
    except Exception as error:
        cause = failures.root_cause() or f"{type(error).__name__}: {error}"
        raise EngineStartFailed(cause) from error


def _prepared(asked: AsyncEngineArgs) -> VllmConfig:
    """Make an engine's configuration, and the tokenizer, which vLLM keeps, for the engine to find."""
    with PREPARING:
        disable_envs_cache()  # it may set other variables than the engine before
        config = asked.create_engine_config(UsageContext.ENGINE_CONTEXT)
        cached_tokenizer_from_config(config.model_config)
        enable_envs_cache()  # without it, os.environ is read anew for each token
    return config
