"""What the search for sources is told of reranking, and what the caller is told of it."""

import asyncio

import pytest

from jarvis.core.admission import Arrival
from jarvis.core.generation import Generation
from jarvis.core.grounding import Grounding, GroundingSettings
from jarvis.core.prompting import Prompting
from jarvis.core.routing import Routes
from jarvis.core.routing.breaker import CircuitBreaker
from jarvis.core.routing.model import Model
from jarvis.core.telemetry.instruments import Instruments
from jarvis_adapters.echo.adapter import EchoSettings, open_echo
from jarvis_ports.llm import GenerateRequest, Message, Role
from jarvis_ports.values import PromptParams, Retrieval, SearchMode, SearchResult, Space
from tests.unit.core.unmetered import unmetered


class FakeSearch:
    """Reranks where that is asked for."""

    def __init__(self):
        self.asked = []

    async def run(self, query, deadline=None):
        self.asked.append((query.rerank, deadline))
        return SearchResult((), SearchMode.HYBRID, bool(query.rerank))

    async def space(self, collection):
        return Space.COSINE


@pytest.mark.parametrize("wanted", [True, False, None])
async def test_sources_are_reranked_as_the_request_says_and_until_its_deadline(wanted):
    search = FakeSearch()
    model = Model("echo", "echo", lambda: open_echo(EchoSettings()), breaker=CircuitBreaker(5, 30))
    run = asyncio.create_task(model.run())
    while not model.loaded:
        await asyncio.sleep(0)
    generation = Generation(
        Routes([model], [], "echo"),
        Prompting(None, {}, [], automatic=False, language="en"),
        Grounding(search, GroundingSettings(0.25, 100)),
        Instruments(),
        unmetered(),
    )
    request, arrival = GenerateRequest("r", (Message(Role.USER, "Hi"),)), Arrival(deadline=2.0**40)
    options = Retrieval("docs", rerank=wanted)
    started, *_ = [event async for event in generation.stream("", request, PromptParams(), options, arrival)]
    assert started.retrieved.reranked is bool(wanted)
    assert search.asked == [(wanted, arrival.deadline)]
    run.cancel()
    await asyncio.wait([run])
