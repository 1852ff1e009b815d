"""Measures one contender, from a fresh process that is nothing but its client."""

import importlib
import os
import signal
from collections.abc import Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

import uvloop

from bench.frontend.engine import ENVIRONMENT
from bench.frontend.load import Plan, Round, Start, rounds

CONTENDERS = {
    "AsyncLLM in process": "in_process",
    "Jarvis": "jarvis_server",
    "vLLM's OpenAI server": "openai_server",
    "vLLM's gRPC server": "grpc_server",
    "vLLM's front end in Rust": "rust_server",
}
"""The module of each contender, which has a `start`; the others are compared with the first."""


def measure(contender: str, engine: dict[str, Any], plan: Plan) -> Iterator[Round]:
    """Start a contender, warm it up, measure it round by round, and stop it.

    Raises:
        RuntimeError: it did not start, or gave a wrong answer.
        ModuleNotFoundError: a package that it needs is not installed.
    """
    spawn = get_context("spawn")
    receiving, sending = spawn.Pipe(duplex=False)
    process = spawn.Process(target=_measure_here, args=(sending, CONTENDERS[contender], engine, plan))
    process.start()
    sending.close()
    try:
        while got := _received(receiving):
            yield _checked(got)
    except BaseException:
        process.terminate()
        raise
    finally:
        process.join()


def _received(connection: "Connection[None, Round | Exception]") -> Round | Exception | None:
    try:
        return connection.recv()
    except EOFError:
        return None


def _checked(got: Round | Exception) -> Round:
    if isinstance(got, Exception):
        raise got
    return got


def _measure_here(
    connection: "Connection[Round | Exception, None]", module: str, engine: dict[str, Any], plan: Plan
) -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that what was started is stopped
    os.environ.update(ENVIRONMENT)

    async def run() -> None:
        start: Start = importlib.import_module(f"bench.frontend.{module}").start
        async with start(engine) as generate:
            async for measured in rounds(generate, plan):
                connection.send(measured)

    with connection:
        try:
            uvloop.run(run())
        except (RuntimeError, ModuleNotFoundError) as error:
            connection.send(error)
