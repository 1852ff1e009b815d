"""The server's side of the process that compiles constraints."""

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Self

from cachetools import LRUCache

from jarvis_adapters.vllm.constraints.settings import StructuredOutputSettings
from jarvis_ports.errors import EngineFailure, EngineStartFailed, InvalidArgument, Overloaded
from jarvis_ports.llm import StructuredOutput

CONCURRENT = 32
"""Constraints that are compiled at the same time. They share the CPUs, so that a small one soon is done."""
PATIENCE = 20.0
"""Seconds after which a machine is too busy to compile a constraint, whatever CPU time that has had."""
START = 120.0
"""Seconds that the process may take to prepare."""
BEGUN = b" "
"""Comes before an answer: alone, it tells that the constraint ended what compiled it."""
REMEMBERED = 64
"""Constraints whose grammars are kept: callers send the same ones again and again."""


class Checker:
    """Compiles constraints in a process that does not hold up this one. An async context manager.

    The process is started anew where it has ended.

    Args:
        settings: the bounds.
        prepare: what the process needs beside them; see `worker`.
    """

    def __init__(self, settings: StructuredOutputSettings, prepare: Mapping[str, Any]) -> None:
        self._settings = settings
        self._prepare = json.dumps({**prepare, "settings": settings.model_dump()}).encode()
        self._slots = asyncio.Semaphore(CONCURRENT)
        self._starting = asyncio.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._known: LRUCache[StructuredOutput, str] = LRUCache(REMEMBERED)

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except EngineFailure as error:
            raise EngineStartFailed(str(error)) from None
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._end()

    async def compiled(self, wanted: StructuredOutput) -> str:
        """Return the grammar of a constraint.

        Raises:
            InvalidArgument: it cannot be honoured, is too large, or takes too long to compile.
            Overloaded: the machine is too busy.
            EngineFailure: the process does not start.
        """
        value, most = wanted.value, self._settings.max_bytes
        size = sum(len(text.encode()) for text in ([value] if isinstance(value, str) else value))
        if size > most:
            raise InvalidArgument.of(wanted.field, f"has {size} bytes; at most {most}")
        if known := self._known.get(wanted):
            return known
        try:
            async with asyncio.timeout(PATIENCE), self._slots:
                answer = await self._ask({"constraint": wanted.constraint, "value": value})
        except TimeoutError:
            await self._end()  # it may have been stopped
            msg = f"{wanted.field} could not be compiled within {PATIENCE:g} s: the machine is too busy"
            raise Overloaded(msg) from None
        if "refused" in answer:
            raise InvalidArgument.of(wanted.field, answer["refused"])
        self._known[wanted] = answer["grammar"]
        return str(answer["grammar"])

    async def _ask(self, question: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
        asked = json.dumps(question).encode()
        for _ in range(2):
            process = await self._start()
            with suppress(ConnectionError):
                if answer := await self._exchange(asked):
                    break
            if self._process is process:
                await self._end()
        else:
            msg = "the process that compiles constraints keeps ending"
            raise EngineFailure(msg)
        if answer != BEGUN:
            return json.loads(answer)
        seconds = self._settings.compile_seconds
        return {"refused": f"takes more than {seconds:g} s of CPU time, or too much memory, to compile"}

    async def _exchange(self, sent: bytes) -> bytes:
        """Send over a connection of its own, and return what comes back; nothing where its process died."""
        ours, theirs = socket.socketpair()
        reader, writer = await asyncio.open_connection(sock=ours)
        try:
            with theirs:
                if self._control is None:
                    raise ConnectionError
                socket.send_fds(self._control, [b"\0"], [theirs.fileno()])
            writer.write(sent)
            writer.write_eof()
            return await reader.read()
        finally:
            writer.close()

    async def _start(self) -> subprocess.Popen[bytes]:
        async with self._starting:
            if self._process and self._process.poll() is None:
                return self._process
            await self._end()
            self._control, theirs = socket.socketpair()
            self._control.settimeout(0)
            with theirs:
                # Not by the event loop: uvloop forks with gRPC's handlers, which now and then crash it.
                self._process = process = await asyncio.to_thread(_started, theirs)
            try:
                async with asyncio.timeout(START):
                    ready = await self._exchange(self._prepare)
            except (TimeoutError, ConnectionError):
                ready = b""
            if not ready:
                await self._end()
                msg = "the process that compiles constraints does not start"
                raise EngineFailure(msg)
            return process

    async def _end(self) -> None:
        process, self._process = self._process, None
        if self._control:
            self._control.close()
        if process:
            process.kill()
            await asyncio.to_thread(process.wait)


def _started(control: socket.socket) -> subprocess.Popen[bytes]:
    command = (sys.executable, "-m", f"{__package__}.worker")
    return subprocess.Popen(command, stdin=control.fileno(), process_group=0)  # noqa: S603 - our own module
