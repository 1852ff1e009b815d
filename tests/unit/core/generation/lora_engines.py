"""Engines that take further weights, made up, and quick components."""

import asyncio
from pathlib import Path

from jarvis.core.lifecycle import restarts
from jarvis_ports.errors import EngineDead, EngineStartFailed
from jarvis_ports.health import Health
from jarvis_ports.llm import Accepted, Delta, GenerateRequest, LLMCapabilities

FOLDER = Path("weights")


class PlainLLM:
    """Answers with the name of the weights that a request asks for."""

    def __init__(self, number):
        self.number = number
        self.problem = ""
        self.loaded = []
        self.go, self.load = asyncio.Event(), asyncio.Event()
        self.go.set()
        self.load.set()

    def capabilities(self):
        return LLMCapabilities(9, frozenset(), notes=(f"engine {self.number}",))

    async def health(self):
        return Health(not self.problem, self.problem)

    async def count_tokens(self, input_, render, tools=()):
        return len(input_)

    async def generate(self, request):
        assert not request.weights or request.weights in self.loaded
        yield Accepted(1)
        await self.go.wait()
        if self.problem:
            raise EngineDead(self.problem)
        yield Delta(0, f"{self.number} {request.weights or 'alone'}")


class FakeLLM(PlainLLM):
    """Takes weights, and tells its tokens."""

    refusal = ""

    async def load_weights(self, name, folder):
        assert folder == FOLDER
        await self.load.wait()
        if FakeLLM.refusal:
            raise EngineStartFailed(FakeLLM.refusal)
        if name not in self.loaded:
            self.loaded.append(name)

    async def unload_weights(self, name):
        self.loaded.remove(name)

    async def tokenize(self, input_, render):
        return [1]

    async def token_texts(self, token_ids):
        return ["a"]

    async def detokenize(self, token_ids):
        return "a"


def soon(monkeypatch):
    """Have nothing wait for long, and every engine take weights."""
    monkeypatch.setattr(restarts, "DELAYS", (0.0,))
    monkeypatch.setattr(restarts, "UNENDING_DELAYS", (0.0,))
    monkeypatch.setattr(FakeLLM, "refusal", "")
    for module, name in (
        ("lifecycle.waiting", "LOOK_SECONDS"),
        ("lifecycle.draining", "LOOK_SECONDS"),
        ("lifecycle.sleeping", "LOOK_SECONDS"),
        ("generation.weights", "LOOK_SECONDS"),
        ("lifecycle.component", "HEALTH_INTERVAL"),
    ):
        monkeypatch.setattr(f"jarvis.core.{module}.{name}", 0.001)


async def until(condition):
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


async def answer(model):
    with model.use() as llm:
        return [one.text async for one in llm.generate(GenerateRequest("", "x")) if isinstance(one, Delta)]
