import asyncio
from collections import Counter
from dataclasses import dataclass, field
from zlib import crc32

import numpy as np
import pytest

from jarvis.core.embedding import Embedding
from jarvis.core.lifecycle.component import Component
from jarvis.core.telemetry.instruments import Instruments
from jarvis_ports.embedding import EmbedderInfo
from jarvis_ports.values import State

DIMENSION = 4
MAX_TOKENS = 10


def vector(text, role="document"):
    """The vector of a text."""
    made = np.random.default_rng(crc32(f"{role}:{text}".encode())).normal(size=DIMENSION).astype(np.float32)
    return made / np.linalg.norm(made)


@dataclass
class FakeEmbedder:
    """A token is a word. While `go` is not set, the model works without an end."""

    identity: str = "fake-1"
    failures: dict[str, Exception] = field(default_factory=dict)
    batches: list[list[str]] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)
    counted: Counter[str] = field(default_factory=Counter)
    at_once: int = 0

    def __post_init__(self):
        self.go = asyncio.Event()
        self.go.set()

    def info(self):
        return EmbedderInfo(self.identity, DIMENSION, MAX_TOKENS)

    def count_tokens(self, texts, role):
        self.counted.update(texts)
        return [len(text.split()) for text in texts]

    async def embed(self, texts, role):
        self.batches.append(list(texts))
        self.roles.append(role)
        self.at_once += 1
        assert self.at_once == 1, "two batches at once"
        try:
            await self.go.wait()
            for text in texts:
                if text in self.failures:
                    raise self.failures[text]
            return np.stack([vector(text, role) for text in texts])
        finally:
            self.at_once -= 1

    async def begun(self, batches=1):
        """Wait until so many batches have been begun."""
        async with asyncio.timeout(2):
            while len(self.batches) < batches:
                await asyncio.sleep(0)


class FakeCache:
    """Keeps everything, unless it is told to fail; while `go` is not set, it writes without an end."""

    def __init__(self):
        self.values = {}
        self.gets = []
        self.failure = None
        self.go = asyncio.Event()
        self.go.set()

    async def get(self, keys):
        self.gets.append(list(keys))
        if self.failure:
            raise self.failure
        return {key: self.values[key] for key in keys if key in self.values}

    async def put(self, items):
        await self.go.wait()
        if self.failure:
            raise self.failure
        self.values.update(items)


def opened(kind, name, port):
    component = Component(kind, name, name, lambda: None)
    component._become(State.READY, "", port)
    return component


@pytest.fixture
async def embedder():
    return FakeEmbedder()


@pytest.fixture
def component(embedder):
    return opened("embedder", "fake", embedder)


@pytest.fixture
async def caches():
    return [FakeCache(), FakeCache()]


@pytest.fixture
def tiers(caches):
    return [opened("cache", f"tier-{i}", cache) for i, cache in enumerate(caches)]


@pytest.fixture
def make(component):
    """Makes the use case, without a cache if none is given."""
    return lambda caches=(), budget=40: Embedding(
        component, caches, max_batch_tokens=budget, instruments=Instruments()
    )


@pytest.fixture
def vectors():
    """Makes the vectors that the fake gives."""
    return lambda *texts, role="document": np.stack([vector(text, role) for text in texts])


@pytest.fixture
def turn():
    """Lets all that can go on go on."""

    async def turn():
        for _ in range(20):
            await asyncio.sleep(0)

    return turn
