"""The server's side of the process that compiles constraints."""

import asyncio
import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, Self

from cachetools import LRUCache

from jarvis_adapters.vllm.constraints.process import WorkerProcess
from jarvis_adapters.vllm.constraints.settings import StructuredOutputSettings
from jarvis_ports.errors import EngineStartFailed, InvalidArgument, Overloaded
from jarvis_ports.llm import StructuredOutput

CONCURRENT = 32
"""The number of constraints compiled at the same time. They share the CPUs, so a small one is soon done."""
PATIENCE = 20.0
"""Seconds after which the machine counts as too busy to compile a constraint, whatever CPU time it got."""
BEGUN = b" "
"""The start of an answer. If nothing follows, the constraint ended the process that compiled it."""
REMEMBERED = 64
"""The number of constraints whose grammars are kept, as callers send the same ones again and again."""


class Checker:
    """Compiles constraints in a process that does not hold up this one. An async context manager.

    The process is restarted if it has ended.

    Args:
        settings: the bounds of a constraint.
        prepare: what else the process needs; see `worker`.
    """

    def __init__(self, settings: StructuredOutputSettings, prepare: Mapping[str, Any]) -> None:
        self._settings = settings
        self._prepare = json.dumps({**prepare, "settings": settings.model_dump()}).encode()
        self._slots = asyncio.Semaphore(CONCURRENT)
        self._starting: asyncio.Task[WorkerProcess | None] | None = None
        self._process: WorkerProcess | None = None
        self._known: LRUCache[StructuredOutput, str] = LRUCache(REMEMBERED)

    async def __aenter__(self) -> Self:
        try:
            await self._running()
        except Overloaded as error:
            raise EngineStartFailed(str(error)) from None
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._starting:
            self._starting.cancel()
            with suppress(asyncio.CancelledError):
                await self._starting
        if self._process:
            await self._process.end()

    async def compiled(self, wanted: StructuredOutput, *, bounded: bool = True) -> str:
        """Return the grammar of a constraint, which has at most `max_bytes` if it is bounded.

        Raises:
            InvalidArgument: it cannot be honoured, is too large, or takes too long to compile.
            Overloaded: the machine is too busy, or the process does not start.
        """
        value = wanted.value
        if bounded:
            self.check_size(wanted.field, [value] if isinstance(value, str) else value)
        if known := self._known.get(wanted):
            return known
        try:
            async with asyncio.timeout(PATIENCE), self._slots:
                answer = await self._ask({"constraint": wanted.constraint, "value": value})
        except TimeoutError:
            if self._process and self._process.silent_seconds() >= PATIENCE:
                await self._process.end()  # it may have been stopped
            msg = f"{wanted.field} could not be compiled within {PATIENCE:g} s: the machine is too busy"
            raise Overloaded(msg) from None
        if "refused" in answer:
            raise InvalidArgument.of(wanted.field, answer["refused"])
        self._known[wanted] = answer["grammar"]
        return str(answer["grammar"])

    def check_size(self, field: str, texts: Iterable[str]) -> None:
        """Check the size of what a caller wrote.

        Raises:
            InvalidArgument: it has more than `max_bytes`.
        """
        size, most = sum(len(text.encode()) for text in texts), self._settings.max_bytes
        if size > most:
            raise InvalidArgument.of(field, f"has {size} bytes; at most {most}")

    async def _ask(self, question: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
        asked = json.dumps(question).encode()
        for _ in range(2):
            process = await self._running()
            if answer := await process.exchange(asked):
                break
            await process.end()
        else:
            msg = "the process that compiles constraints keeps ending"
            raise Overloaded(msg)
        if answer != BEGUN:
            return json.loads(answer)
        seconds = self._settings.compile_seconds
        return {"refused": f"takes more than {seconds:g} s of CPU time, or too much memory, to compile"}

    async def _running(self) -> WorkerProcess:
        """Return the process, started if necessary: once for all who wait, even if some of them give up."""
        if self._process and self._process.is_running():
            return self._process
        if self._starting is None or self._starting.done():
            self._starting = asyncio.create_task(self._start())
        if process := await asyncio.shield(self._starting):
            return process
        msg = "the process that compiles constraints does not start"
        raise Overloaded(msg)

    async def _start(self) -> WorkerProcess | None:
        self._process = await WorkerProcess.started(self._prepare)
        return self._process
