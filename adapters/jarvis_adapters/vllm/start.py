"""Starts and stops the engine, off the event loop."""

import asyncio
import atexit
import contextlib
import gc
import logging
import os
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any

import psutil
from vllm.config import ModelConfig, VllmConfig
from vllm.config.logging import LoggingConfig
from vllm.engine.arg_utils import AsyncEngineArgs
from vllm.envs import disable_envs_cache, enable_envs_cache
from vllm.platforms import current_platform
from vllm.tokenizers.registry import cached_tokenizer_from_config
from vllm.usage.usage_lib import UsageContext
from vllm.v1.engine.async_llm import AsyncLLM
from vllm.v1.engine.exceptions import EngineDeadError

from jarvis_adapters.vllm.abandon import in_thread, started_by
from jarvis_adapters.vllm.capabilities import find_capabilities
from jarvis_adapters.vllm.constraints.open import open_checker, warm
from jarvis_adapters.vllm.control_tokens import ControlTokens, own_template
from jarvis_adapters.vllm.dialect import NONE, chat_template, find_parsers, make_dialect
from jarvis_adapters.vllm.exclusive import PREPARING, TAKING_GPU_MEMORY
from jarvis_adapters.vllm.failures import FailureLog
from jarvis_adapters.vllm.hang import HangWatch
from jarvis_adapters.vllm.images import placeholders, processor_template
from jarvis_adapters.vllm.llm import VLLM
from jarvis_adapters.vllm.merging import Merging
from jarvis_adapters.vllm.metrics import PAGE, Metrics
from jarvis_adapters.vllm.plugin import NAME
from jarvis_adapters.vllm.processes import ensure_ended, kill, trees
from jarvis_adapters.vllm.settings import VLLMSettings, engine_args
from jarvis_adapters.vllm.step_down import helps, is_out_of_memory, smaller
from jarvis_adapters.vllm.warm_up import warm_up
from jarvis_adapters.vllm_plugin import SERVER_PID
from jarvis_ports.errors import EngineStartFailed
from jarvis_toolkit.children import shielded

logger = logging.getLogger(__name__)
Prepare = Callable[[AsyncEngineArgs], VllmConfig]
TRUSTED = "Python code among the model's files is run: engine_args.trust_remote_code is on"
"""The note, and the warning in the log, on a model that is code too."""
atexit.register(gc.freeze)  # or the interpreter looks at all of vLLM's objects as it exits, for 2 s


@contextlib.asynccontextmanager
async def running_engine(settings: VLLMSettings) -> AsyncIterator[VLLM]:
    """Start an engine and show its metrics; end its processes when the context is left.

    Raises:
        EngineStartFailed: the engine does not start, even after the last step down; vLLM's message says why.
    """
    with (
        tempfile.TemporaryDirectory(prefix="jarvis-vllm-") as folder,
        FailureLog(Path(folder)) as failures,
        contextlib.ExitStack() as at_the_end,
    ):
        resource_tracker.ensure_running()  # all engines share it, so no cancelled start must end it
        start = partial(_start, settings, failures)
        started = await in_thread(start, abandon=_Started.stop)
        engine = started.engine
        watch = HangWatch(engine, settings.hang_seconds, started.kill)
        try:
            await _warmed_up(engine, failures)
            engine.engine_core.get_output_async = Merging(engine.engine_core.get_output_async).get
            async with open_checker(settings.structured_output, engine, started.notes) as checker:
                constrains = checker is not None
                tokenizer, config = engine.get_tokenizer(), engine.model_config
                template = _template(settings, tokenizer, config)
                control = ControlTokens(tokenizer, template, placeholders(config))
                dialect = make_dialect(engine.vllm_config, settings.parsers, control, started.notes)
                capabilities = await find_capabilities(
                    engine, started.notes, dialect, structured_output=constrains
                )
                share = settings.share_prefixes
                llm = VLLM(
                    engine, capabilities, failures, watch, checker, dialect=dialect, share_prefixes=share
                )
                at_the_end.callback(llm.close)
                if constrains:
                    await warm(llm)
                with PAGE.shows(engine, _metrics_name(settings, engine)), watch.running():
                    yield llm
        finally:
            await asyncio.shield(asyncio.to_thread(started.stop))
            # vLLM's shutdown may end what would tell the streams that are open before that has told them.
            engine.output_processor.propagate_error(EngineDeadError())
            engine.shutdown = lambda: None  # the destructor calls it again, when half of Python is gone


@dataclass(frozen=True)
class _Started:
    """A started engine, notes of what was changed for it to start, and which processes are its own."""

    engine: Any
    notes: list[str]
    processes: list[psutil.Process]

    def kill(self) -> None:
        kill(trees(self.processes))

    def stop(self) -> None:
        own = trees(self.processes)
        self.engine.shutdown()
        ensure_ended(own)


async def _warmed_up(engine: AsyncLLM, failures: FailureLog) -> None:
    try:
        await warm_up(engine)
    except EngineDeadError:
        cause = failures.root_cause() or "the engine died of its first requests"
        raise EngineStartFailed(cause) from None


def _metrics_name(settings: VLLMSettings, engine: AsyncLLM) -> str:
    """Return an engine's name for metrics: the given one, or the model folder's, as a path is only local."""
    given: str = engine.model_config.served_model_name
    return given if "served_model_name" in settings.engine_args else Path(settings.model).name


def _start(settings: VLLMSettings, failures: FailureLog) -> _Started:
    # A forked child would share gRPC's threads and sockets.
    os.environ.setdefault("VLLM_WORKER_MULTIPROC_METHOD", "spawn")
    os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
    os.environ[SERVER_PID] = str(os.getpid())
    if (allowed := os.environ.get("VLLM_PLUGINS")) is not None and NAME not in allowed.split(","):
        os.environ["VLLM_PLUGINS"] = f"{allowed},{NAME}"
    cpu = current_platform.is_cpu()
    args = engine_args(settings, cpu=cpu)
    with shielded(), contextlib.nullcontext() if cpu else TAKING_GPU_MEMORY:
        steps = smaller(args) if settings.step_down else iter(())
        prepare = partial(_prepared, settings=settings)
        engine, notes = _start_or_step_down(args, failures, prepare, steps=steps)
    if args.get("trust_remote_code"):
        logger.warning("%s: %s", settings.model, TRUSTED)
        notes.append(TRUSTED)
    return _Started(engine, notes, started_by(threading.current_thread()))


def _start_or_step_down(
    args: dict[str, Any],
    failures: FailureLog,
    prepare: Prepare,
    steps: Iterator[tuple[dict[str, Any], str]],
) -> tuple[Any, list[str]]:
    notes: list[str] = []
    while True:
        try:
            return _start_once(args, failures, prepare), notes
        except EngineStartFailed as error:
            step = next(steps, None) if is_out_of_memory(str(error)) else None
            if step is None or not helps(str(error), args, step[0]):
                tried = f" (after: {'; '.join(notes)})" if notes else ""
                msg = f"{error}{tried}"
                raise EngineStartFailed(msg) from None
            args, note = step
            logger.warning("vLLM did not start: %s", error)
            logger.warning("starting again: %s", note)
            notes.append(note)


def _start_once(args: dict[str, Any], failures: FailureLog, prepare: Prepare) -> AsyncLLM:
    failures.clear()
    logs = LoggingConfig(pylogging_config_file=str(failures.config))
    try:
        asked = AsyncEngineArgs(**{"logging_config": logs, **args})
        return AsyncLLM.from_vllm_config(
            prepare(asked),
            stat_loggers=None if asked.disable_log_stats else [Metrics],
            enable_log_requests=asked.enable_log_requests,
            disable_log_stats=asked.disable_log_stats,
        )
    except Exception as error:
        cause = failures.root_cause() or f"{type(error).__name__}: {error}"
        raise EngineStartFailed(cause) from error


def _template(settings: VLLMSettings, tokenizer: Any, config: ModelConfig) -> str | None:  # noqa: ANN401
    """Return the chat template that comes before the tokenizer's own, if there is one."""
    return chat_template(settings) or processor_template(tokenizer, config)


def _prepared(asked: AsyncEngineArgs, settings: VLLMSettings) -> VllmConfig:
    """Return an engine's configuration; put its tokenizer into vLLM's cache, where the engine finds it."""
    with PREPARING:
        disable_envs_cache()  # this engine may set other variables than the last one
        config = asked.create_engine_config(UsageContext.ENGINE_CONTEXT)
        tokenizer = cached_tokenizer_from_config(config.model_config)
        template = _template(settings, tokenizer, config.model_config) or own_template(tokenizer)
        if (reasoning := find_parsers(settings.parsers, template).reasoning) != NONE:
            # The engine holds an answer to its form only when the reasoning is over.
            config.structured_outputs_config.reasoning_parser = reasoning
        enable_envs_cache()  # without the cache, os.environ is read for each token
    return config
