"""Nothing is done twice for an answer from sources, however many models are tried."""

import asyncio
from types import SimpleNamespace

import pytest

from jarvis.app.templates import compile_template
from jarvis.core.generation import Generation
from jarvis.core.grounding import Grounding, GroundingSettings
from jarvis.core.prompting import Prompting
from jarvis.core.retrieval.hits import make_hit
from jarvis.core.routing import Route, Routes
from jarvis.core.routing.breaker import CircuitBreaker
from jarvis.core.routing.model import Model
from jarvis.core.telemetry.instruments import Instruments
from jarvis_adapters.echo.adapter import EchoSettings, open_echo
from jarvis_ports.llm import GenerateRequest, Message, Role
from jarvis_ports.store import Row
from jarvis_ports.values import PromptParams, Retrieval, SearchMode, SearchResult, SkippedModel, Space
from tests.unit.core.unmetered import unmetered

CONTEXT = 300
SOURCES = ("apples", "pears")
MANY_TOKENS = compile_template("short", {None: "Be short."}, {}, max_tokens=200)


class FakeSearch:
    """Finds the sources, and counts how often."""

    searches = 0

    async def run(self, query, deadline=None):
        self.searches += 1
        return SearchResult(tuple(make_hit([Row(text, text)], 1.0) for text in SOURCES), SearchMode.HYBRID)

    async def space(self, collection):
        return Space.COSINE


@pytest.fixture
async def house():
    """A route over a model whose context holds no answer, and one that answers; and what that one counted."""
    async with asyncio.TaskGroup() as tasks:
        models, runs = [], []
        for name, context in (("full", 8), ("echo", CONTEXT)):
            settings = EchoSettings(context_length=context)
            model = Model(name, "echo", lambda s=settings: open_echo(s), breaker=CircuitBreaker(5, 30))
            runs.append(tasks.create_task(model.run()))
            while not model.loaded:
                await asyncio.sleep(0)
            models.append(model)
        counted = []
        llm, count_tokens = models[1].port, models[1].port.count_tokens

        async def counting(input_, *render):
            counted.append(
                input_ if isinstance(input_, str) else "".join(message.content for message in input_)
            )
            return await count_tokens(input_, *render)

        llm.count_tokens = counting
        search = FakeSearch()
        generation = Generation(
            Routes(models, [Route("both", models)], "both"),
            Prompting(None, {"short": MANY_TOKENS}, [], automatic=False, language="en"),
            Grounding(search, GroundingSettings(0.25, 100)),
            Instruments(),
            unmetered(),
        )
        yield SimpleNamespace(generation=generation, search=search, counted=counted)
        for run in runs:
            run.cancel()


async def ask(house, name):
    request = GenerateRequest("r", (Message(Role.USER, "What is it?"),))
    options = PromptParams(template="short")
    stream = house.generation.stream(name, request, options, Retrieval("docs"))
    return [event async for event in stream]


async def test_models_that_are_tried_in_turn_are_given_what_one_search_found(house):
    started, *_ = await ask(house, "both")
    assert started.routing.skipped == (SkippedModel("full", "CONTEXT_LENGTH_EXCEEDED"),)
    assert [hit.id for hit in started.retrieved.citations] == list(SOURCES)
    assert house.search.searches == 1


async def test_the_tokens_of_each_source_are_counted_once_before_the_engine_does(house):
    *_, finished = await ask(house, "echo")
    *before, by_the_engine = house.counted
    assert [sum(source in text for text in before) for source in SOURCES] == [1, 1]
    assert all(source in by_the_engine for source in SOURCES)
    usage = finished.usage
    assert usage.prompt_tokens + usage.completion_tokens <= CONTEXT
