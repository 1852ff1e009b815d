"""What the spans of an answer and of a search say, by the names of OpenTelemetry."""

import asyncio
from contextlib import contextmanager

import pytest

from jarvis.core.generation import Generation
from jarvis.core.prompting import Prompting
from jarvis.core.routing import Routes
from jarvis.core.routing.breaker import CircuitBreaker
from jarvis.core.routing.model import Model
from jarvis.core.telemetry.instruments import Instruments
from jarvis_adapters.echo.adapter import _FIELDS as ECHO_FIELDS
from jarvis_adapters.echo.adapter import EchoSettings, open_echo
from jarvis_adapters.no_telemetry import NoTelemetry
from jarvis_ports.llm import Finish, GenerateRequest, SamplingParams, Usage
from jarvis_ports.values import PromptParams
from tests.unit.core.unmetered import unmetered


class Told:
    """A span that keeps its attributes."""

    def __init__(self, attributes):
        self.trace = {}
        self.attributes = dict(attributes)
        self.set = self.attributes.update

    def failed(self, reason):
        pass


class Spans(NoTelemetry):
    """Keeps the spans by their names."""

    def __init__(self):
        self.told = {}

    @contextmanager
    def span(self, name, attributes, **options):
        self.told[name] = Told(attributes)
        yield self.told[name]


@pytest.fixture
async def house(monkeypatch):
    """A generation on echo, which takes penalties here, and what its spans say."""
    penalties = {"sampling.frequency_penalty", "sampling.presence_penalty"}
    monkeypatch.setattr("jarvis_adapters.echo.adapter._FIELDS", ECHO_FIELDS | penalties)
    spans, instruments = Spans(), Instruments()
    async with asyncio.TaskGroup() as tasks:
        settings = EchoSettings()
        model = Model("echo", "echo", lambda: open_echo(settings), breaker=CircuitBreaker(5, 30))
        run = tasks.create_task(model.run())
        while not model.loaded:
            await asyncio.sleep(0)
        prompting = Prompting(None, {}, [], automatic=False, language="en")
        generation = Generation(Routes([model], [], "echo"), prompting, None, instruments, unmetered())

        async def ask(streamed=True, **sampling):
            request = GenerateRequest("r-1", "one two", SamplingParams(**sampling), streamed=streamed)
            with instruments.connected(spans):
                async for _ in generation.stream("", request, PromptParams()):
                    pass
            return spans.told["text_completion echo"].attributes

        yield ask, model
        run.cancel()


async def test_a_request_says_what_was_asked_for(house):
    ask, _ = house
    told = await ask(n=2, stop=("x", "y"), frequency_penalty=0.5, presence_penalty=0.0, max_tokens=3)
    assert (
        told.items()
        >= {
            "gen_ai.request.choice.count": 2,
            "gen_ai.request.stop_sequences": ("x", "y"),
            "gen_ai.request.frequency_penalty": 0.5,
            "gen_ai.request.presence_penalty": 0.0,
            "gen_ai.request.max_tokens": 3,
            "gen_ai.request.stream": True,
            "gen_ai.response.id": "r-1",
            "gen_ai.response.model": "echo",
        }.items()
    )
    assert len(told["gen_ai.response.finish_reasons"]) == 2
    assert told["gen_ai.response.time_to_first_chunk"] > 0


async def test_what_was_not_asked_for_or_is_not_known_is_left_out(house, monkeypatch):
    ask, model = house
    generate = model.port.generate

    async def without_cached(request):
        async for event in generate(request):
            if isinstance(event, Finish):
                usage = Usage(event.usage.prompt_tokens, event.usage.completion_tokens)
                yield Finish(event.index, event.reason, usage)
            else:
                yield event

    monkeypatch.setattr(model.port, "generate", without_cached)
    told = await ask(streamed=False)
    for name in (
        "gen_ai.request.choice.count",
        "gen_ai.request.stop_sequences",
        "gen_ai.request.stream",
        "gen_ai.response.time_to_first_chunk",
        "gen_ai.usage.cache_read.input_tokens",
    ):
        assert name not in told
    assert told["gen_ai.usage.output_tokens"] > 0
