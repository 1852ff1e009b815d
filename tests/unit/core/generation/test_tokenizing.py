"""A model whose adapter tells no tokens."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from jarvis.core.generation.tokenizing import Tokenizing
from jarvis.core.routing import Routes
from jarvis.core.routing.breaker import CircuitBreaker
from jarvis.core.routing.model import Model
from jarvis_ports.errors import InvalidArgument, UnsupportedField
from jarvis_ports.health import Health
from jarvis_ports.llm import LLMCapabilities
from jarvis_ports.values import (
    CountTokensRequest,
    DetokenizeRequest,
    Message,
    Role,
    TokenCount,
    TokenizeRequest,
    Tool,
)


class Silent:
    """Counts, and tells no more."""

    async def count_tokens(self, input_, render=None, tools=()):
        return 3 + len(tools)

    def capabilities(self):
        return LLMCapabilities(100, frozenset({"messages", "prompt", "tools"}))

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


async def test_tools_are_checked_and_counted_with_the_prompt(tokenizing):
    talk = (Message(Role.USER, "a"),)
    counted = await tokenizing.count(CountTokensRequest(talk, tools=(Tool("now"), Tool("later"))))
    assert counted.tokens == 3 + 2
    with pytest.raises(InvalidArgument) as refused:
        tokenizing.check(CountTokensRequest("a", tools=(Tool("now"), Tool("now"))))
    assert {one.field for one in refused.value.violations} == {"tools", "tools[0].name", "tools[1].name"}


async def test_it_counts_and_says_that_it_cannot_do_more(tokenizing):
    assert await tokenizing.count(CountTokensRequest("a")) == TokenCount("silent", 3, 100)
    for call in (
        tokenizing.tokenize(TokenizeRequest("a")),
        tokenizing.detokenize(DetokenizeRequest((1,))),
    ):
        with pytest.raises(UnsupportedField) as refused:
            await call
        assert [one.field for one in refused.value.violations] == ["model"]
