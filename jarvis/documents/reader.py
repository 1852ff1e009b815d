"""Reads documents so that a bad one does no harm."""

import asyncio
import codecs
import json
import multiprocessing
import os
import resource
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, fields
from encodings.aliases import aliases
from importlib import import_module
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, Self

import psutil

from jarvis.core.text import Kind, Text
from jarvis.documents.kinds import Format, describe
from jarvis.documents.read import read
from jarvis.documents.split import split
from jarvis_ports.errors import DocumentUnreadable
from jarvis_toolkit.children import detach, shielded

MEMORY = 2 << 30
"""Bytes that the reading process may take in addition to those that it starts with."""
_APART = {Format.HTML, Format.PDF, Format.NOTEBOOK}
TEXT_BYTES = 1 << 20
"""The most bytes of text, Markdown or code that a thread reads: the work grows at most linearly."""

LAZY = (
    "jarvis.documents.notebook",
    "jarvis.documents.pdf",
    "jarvis.documents.web",
)
"""The modules that reading imports when it needs them, and cannot import later."""
ANSWER_BYTES = 1 << 28
"""The most bytes of an answer that the server takes."""

START_SECONDS = 60.0
"""Seconds to wait for the reading process to start."""
ALIVE_SECONDS = 5.0
"""Seconds to wait for its answer before it gets a document; a dead or stopped process is replaced."""


class Reader:
    """Reads HTML, PDF, notebooks and long texts one at a time in a separate process, others in a thread.

    A document that takes longer than `timeout` seconds, or more than `MEMORY`, is unreadable; its process is
    killed, and the next document gets a new one. The process can open neither files nor connections, and
    answers in JSON. The reader is an async context manager.
    """

    split = staticmethod(split)

    def __init__(self, timeout: float = 60.0) -> None:
        self._timeout = timeout
        self._lock = asyncio.Lock()
        self._process: _Process | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        async with self._lock:
            await self._end()

    async def read(
        self, data: bytes, source: str, media_type: str | None, language: str | None = None
    ) -> Text:
        """Read a document, as `jarvis.documents.read` does.

        Raises:
            DocumentUnreadable: it cannot be read, or takes too long or too much memory.
        """
        if describe(data, source, media_type).format not in _APART and len(data) <= TEXT_BYTES:
            return await asyncio.to_thread(read, data, source, media_type, language)
        async with self._lock:
            try:
                return await self._read(data, source, media_type, language)
            except TimeoutError:
                msg = f"{source} cannot be read in {self._timeout:g} seconds"
            except MemoryError:
                msg = f"{source} takes too much memory to read"
            except (EOFError, OSError):
                msg = f"{source} ended the process that read it: it is damaged, or takes too much memory"
            except asyncio.CancelledError:
                await self._end()
                raise
            await self._end()
        raise DocumentUnreadable(msg)

    async def _read(self, data: bytes, source: str, media_type: str | None, language: str | None) -> Text:
        process = await self._alive() or await self._started()
        return _text(await process.exchange((data, source, media_type, language), self._timeout))

    async def _alive(self) -> "_Process | None":
        """Return the process if it answers, else end it, so that the next document is not blamed."""
        if self._process:
            try:
                await self._process.exchange(None, ALIVE_SECONDS)
            except (EOFError, OSError, TimeoutError):
                await self._end()
        return self._process

    async def _started(self) -> "_Process":
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        child = context.Process(target=_serve, args=(theirs, os.getpid(), read), daemon=True)
        with shielded(), theirs:
            child.start()
        self._process = _Process(child, ours, ThreadPoolExecutor(1, "jarvis-reader"))
        await self._process.exchange(None, START_SECONDS)
        return self._process

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process:
            await asyncio.to_thread(process.end)


@dataclass(frozen=True)
class _Process:
    """A reading process, and the thread that waits for what it says."""

    child: BaseProcess
    connection: Connection
    waiting: ThreadPoolExecutor

    async def exchange(self, asked: object, seconds: float) -> Any:  # noqa: ANN401 - JSON
        """Return the answer.

        Raises:
            EOFError, OSError: the process has ended, or what it says is no answer.
            TimeoutError: it says nothing for so long.
        """
        answer = asyncio.get_running_loop().run_in_executor(self.waiting, self._exchange, asked)
        try:
            return json.loads(await asyncio.wait_for(answer, seconds))
        except (ValueError, RecursionError):
            raise EOFError from None

    def _exchange(self, asked: object) -> bytes:
        self.connection.send(asked)
        return self.connection.recv_bytes(ANSWER_BYTES)

    def end(self) -> None:
        """End the process, whatever it is doing."""
        self.child.kill()
        self.waiting.shutdown(cancel_futures=True)  # what waits finds that the process has ended
        self.connection.close()
        self.child.join()


def _text(answer: Any) -> Text:  # noqa: ANN401 - JSON
    """Return the text in an answer; nothing of what the process says is unpickled.

    Raises:
        DocumentUnreadable, MemoryError: that is the answer.
        EOFError: it is none.
    """
    try:
        if unreadable := answer.get("unreadable"):
            raise DocumentUnreadable(str(unreadable))
        if answer.get("memory"):
            raise MemoryError
        if failed := answer.get("failed"):
            raise RuntimeError(str(failed))
        text, kind, language, notes, pages, cuts = answer["text"]
        return Text(
            str(text),
            Kind(kind),
            None if language is None else str(language),
            tuple(map(str, notes)),
            tuple(map(int, pages)),
            tuple((int(at), int(missing)) for at, missing in cuts),
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        raise EOFError from None


def _serve(connection: Connection, server: int, read_: Callable[..., Text]) -> None:
    """Read what the server sends, until it closes the connection."""
    detach(server)
    _confine()
    with suppress(EOFError):
        while True:
            asked = connection.recv()
            connection.send_bytes(_answer(read_, asked) if asked else b"{}")


def _answer(read_: Callable[..., Text], asked: tuple[Any, ...]) -> bytes:
    try:
        text = read_(*asked)
        return json.dumps({"text": [getattr(text, field.name) for field in fields(text)]}).encode()
    except DocumentUnreadable as error:
        answer = {"unreadable": str(error)}
    except MemoryError:
        answer = {"memory": "yes"}
    except Exception as error:  # noqa: BLE001 - a fault of a library, which is raised in the server
        answer = {"failed": f"{type(error).__name__}: {error}"}
    return json.dumps(answer).encode()


def _confine() -> None:
    """Limit the memory of this process, and let it open nothing more: neither files nor connections."""
    for module in LAZY:
        import_module(module)
    for name in set(aliases.values()):
        with suppress(LookupError):  # some are not for this system
            codecs.lookup(name)
    most = psutil.Process().memory_info().vms + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, resource.getrlimit(resource.RLIMIT_AS)[1]))
    for limit in (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE):
        resource.setrlimit(limit, (0, 0))
