"""A contender, in a process that is nothing but its client, and measures a round when it is asked to."""

import asyncio
import importlib
import os
import random
import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

import uvloop

from bench.frontend.cpu import front_end_seconds
from bench.frontend.engine import ENVIRONMENT
from bench.frontend.load import Plan, Round, Start, one_round

RUST = "vLLM's front end in Rust, gRPC"
CONTENDERS = {
    RUST: "rust_server:start_grpc",
    "vLLM's front end in Rust, HTTP": "rust_server:start_http",
    "Jarvis": "jarvis_server:start",
    "AsyncLLM in process": "in_process:start",
    "Jarvis, 2 processes": "processes:start_2",
    "Jarvis, 4 processes": "processes:start_4",
    "vLLM's gRPC server": "grpc_server:start",
    "vLLM's OpenAI server": "openai_server:start",
}
"""The function that starts each contender; the others are compared with the first that is measured."""


class Contender:
    """A front end, its engine and its client.

    Args:
        name: one of `CONTENDERS`.
        engine: the arguments of its engine.
    """

    def __init__(self, name: str, engine: dict[str, Any]) -> None:
        spawn = get_context("spawn")
        self._connection, theirs = spawn.Pipe()
        self._process = spawn.Process(target=_serve, args=(theirs, CONTENDERS[name], engine))
        self._process.start()
        theirs.close()

    def ready(self) -> None:
        """Wait until it serves; raise what `round` raises."""
        self._answer()

    def round(self, streams: int, plan: Plan) -> Round:
        """Measure a round.

        Raises:
            RuntimeError: it did not start, or gave a wrong answer.
            ModuleNotFoundError: a package that it needs is not installed.
        """
        self._connection.send((streams, plan))
        answer = self._answer()
        if not isinstance(answer, Round):
            raise TypeError(answer)
        return answer

    def close(self) -> None:
        """Stop it, and wait until it has ended."""
        self._connection.close()
        self._process.join()

    def _answer(self) -> object:
        try:
            answer: object = self._connection.recv()
        except EOFError:
            raise RuntimeError("the client of a front end has ended") from None
        if isinstance(answer, Exception):
            raise answer
        return answer


@contextmanager
def started(names: Sequence[str], engine: dict[str, Any]) -> Iterator[dict[str, Contender]]:
    """Start contenders, one after the other; yield those by name, and stop them in the end."""
    with ExitStack() as stack:
        found = {}
        for name in names:
            found[name] = Contender(name, engine)
            stack.callback(found[name].close)
            found[name].ready()
        yield found


def _serve(connection: "Connection[Any, Any]", where: str, engine: dict[str, Any]) -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that what was started is stopped
    os.environ.update(ENVIRONMENT)
    module, _, name = where.partition(":")

    async def run() -> None:
        start: Start = getattr(importlib.import_module(f"bench.frontend.{module}"), name)
        words = random.Random()  # noqa: S311
        async with start(engine) as generate:
            connection.send("ready")
            while True:
                try:
                    streams, plan = await asyncio.to_thread(connection.recv)
                except EOFError:
                    return
                before = front_end_seconds()
                measured = await one_round(generate, streams, plan, words)
                spent = front_end_seconds() - before
                tokens = streams * plan.requests * plan.tokens
                connection.send(replace(measured, cpu=spent / tokens if before else None))

    with connection:
        try:
            uvloop.run(run())
        except (RuntimeError, ModuleNotFoundError) as error:
            connection.send(error)
