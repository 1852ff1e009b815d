"""Measures one contender, in a fresh process that is the client and nothing else."""

import importlib
import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import uvloop

from bench.frontend.engine import ENVIRONMENT
from bench.frontend.load import Plan, Round, Start, rounds

CONTENDERS = {
    "AsyncLLM in process": "in_process",
    "Jarvis": "jarvis_server",
    "vLLM's OpenAI server": "openai_server",
    "vLLM's gRPC server": "grpc_server",
}
"""Each has a module here with a `start`; the first is what the others are compared with."""


def measure(contender: str, engine: dict[str, Any], plan: Plan) -> list[Round]:
    """Start it, warm it up, measure it, stop it.

    Raises:
        RuntimeError: it did not start, or gave a wrong answer.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_measure_here, CONTENDERS[contender], engine, plan).result()


def _measure_here(module: str, engine: dict[str, Any], plan: Plan) -> list[Round]:
    os.environ.update(ENVIRONMENT)
    start: Start = importlib.import_module(f"bench.frontend.{module}").start

    async def run() -> list[Round]:
        async with start(engine) as generate:
            return [measured async for measured in rounds(generate, plan)]

    return uvloop.run(run())
