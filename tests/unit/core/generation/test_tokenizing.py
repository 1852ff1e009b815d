"""A model whose adapter tells no tokens."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from jarvis.core.generation.tokenizing import Tokenizing
from jarvis.core.routing import Routes
from jarvis.core.routing.breaker import CircuitBreaker
from jarvis.core.routing.model import Model
from jarvis_ports.errors import UnsupportedField
from jarvis_ports.health import Health
from jarvis_ports.llm import LLMCapabilities
from jarvis_ports.values import CountTokensRequest, DetokenizeRequest, TokenCount, TokenizeRequest


class Silent:
    """Counts, and tells no more."""

    async def count_tokens(self, input_, render=None):
        return 3

    def capabilities(self):
        return LLMCapabilities(100, frozenset())

    async def health(self):
        return Health(ok=True)


@asynccontextmanager
async def opened():
    yield Silent()


@pytest.fixture
async def tokenizing():
    model = Model("silent", "fake", opened, breaker=CircuitBreaker(5, 30))
    run = asyncio.create_task(model.run())
    while not model.loaded:
        await asyncio.sleep(0)
    yield Tokenizing(Routes([model], [], "silent"))
    run.cancel()


async def test_it_counts_and_says_that_it_cannot_do_more(tokenizing):
    assert await tokenizing.count(CountTokensRequest("a")) == TokenCount("silent", 3, 100)
    for call in (
        tokenizing.tokenize(TokenizeRequest("a")),
        tokenizing.detokenize(DetokenizeRequest((1,))),
    ):
        with pytest.raises(UnsupportedField) as refused:
            await call
        assert [one.field for one in refused.value.violations] == ["model"]
