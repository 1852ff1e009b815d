"""What is compared, and the server that has all of it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from bench.frontend.server import grpc_serving, running
from bench.jarvis_serve import GENERATION_ALONE, command
from jarvis.client import JarvisClient
from jarvis.load import Plan

PROFILES = {"baseline": {"profile": "baseline"}, "optimized": {"profile": "optimized"}}
"""The settings of each side, by its name."""
RULE = "Rule {}: where somebody asks about part {} of the machine, name the page of the manual that shows it."
QUESTIONS = ("What does part {} do?", "How do I clean part {}?", "Where is part {}, and who may open it?")
START_SECONDS = 900
"""How long all engines may take to start."""


def swept(knob: str, values: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return a side for each value of an engine argument, in the profile `optimized`."""
    return {f"{knob}={value}": {"profile": "optimized", f"engine_args.{knob}": value} for value in values}


def asked(model: str, streams: int, seconds: float, tokens: int, rules: int) -> Plan:
    """Return a load of questions to a model that begin alike, with so many rules of about 20 tokens each."""
    shared = "\n".join(RULE.format(number, number) for number in range(rules))
    prompts = tuple(f"{shared}\n\n{one.format(part)}" for one in QUESTIONS for part in range(100))
    return Plan(
        streams,
        seconds=seconds,
        warm_up=seconds / 4,
        prompts=prompts,
        max_tokens=tokens,
        model=model,
        seed=streams,
    )


@asynccontextmanager
async def serving(model: str, sides: Mapping[str, Mapping[str, Any]]) -> AsyncIterator[JarvisClient]:
    """Run a server with an engine for each side, named by its place; yield a client that calls each once.

    Raises:
        RuntimeError: an engine did not start, or a call failed.
    """
    sets = [*GENERATION_ALONE]
    for number, settings in enumerate(sides.values()):
        own = {"model": model, **settings}
        sets += [f"models.side{number}.settings.{name}={value}" for name, value in own.items()]

    async def ready(port: int) -> bool:
        if not await grpc_serving(port):
            return False
        async with JarvisClient(f"127.0.0.1:{port}") as client:
            return all(one.state.name == "READY" for one in (await client.status()).models)

    async with (
        running(lambda port: command(port, *sets), ready, start_seconds=START_SECONDS) as port,
        JarvisClient(f"127.0.0.1:{port}", attempts=1, timeout=600) as client,
    ):
        yield client
