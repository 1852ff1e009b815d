"""A team's own estimator chooses the template and the model."""

import pytest

from jarvis.v1 import generation_pb2 as pb
from jarvis.v1 import server_pb2

PLUGIN = """
from contextlib import asynccontextmanager

from jarvis_plugins import AdapterSettings, hookimpl
from jarvis_ports.difficulty import Estimate, Signal
from jarvis_ports.health import Health


class Settings(AdapterSettings):
    answer: int = 95


class Mine:
    def __init__(self, answer):
        self.answer = answer

    async def estimate(self, text):
        if "fail" in text:
            raise RuntimeError("no idea")
        return Estimate(self.answer, "es", (Signal("mine", self.answer, text[:9]),))

    async def health(self):
        return Health(ok=True)


@asynccontextmanager
async def open_mine(settings):
    yield Mine(settings.answer)


@hookimpl
def jarvis_register_adapters(registry):
    registry.estimator("mine", settings=Settings, factory=open_mine)
"""
SETS = ["estimator.adapter=mine", "models.echo.max_difficulty=50", "models.large.adapter=echo"]


def asked(text):
    return [pb.Message(role=pb.ROLE_USER, content=text)]


@pytest.fixture
async def server(install, start):
    install("mine", PLUGIN)
    async with start(*SETS, "models.large.min_difficulty=51") as running:
        yield running


async def test_it_is_asked(server):
    answer = await server.generation.Generate(pb.GenerateRequest(messages=asked("Hello")))
    assert (answer.model, answer.template, answer.difficulty) == ("large", "reasoning", 95)
    explained = await server.generation.ExplainPrompt(pb.ExplainPromptRequest(messages=asked("Hello")))
    assert explained.signals == [pb.Signal(name="mine", points=95, found="Hello")]
    status = await server.server.GetStatus(server_pb2.GetStatusRequest())
    assert ("estimator", "mine") in [(one.port, one.adapter) for one in status.components]


async def test_one_that_fails_costs_the_estimate_and_not_the_answer(server):
    answer = await server.generation.Generate(pb.GenerateRequest(messages=asked("fail now")))
    assert answer.choices[0].text == "fail now"
    assert not answer.HasField("difficulty")
    assert not answer.HasField("template")
