"""Templates, difficulty and routes: what the client reads, and what it gets of a server with stand-ins."""

import asyncio

import grpc
import pytest
from google.rpc import error_details_pb2

from jarvis.client import (
    BlockingClient,
    JarvisClient,
    JarvisClientError,
    Message,
    ModelInfo,
    PromptExplanation,
    Role,
    RouteInfo,
    Routing,
    RoutingReason,
    Signal,
    SkippedModel,
    Started,
    State,
)
from jarvis.v1 import generation_pb2 as pb
from jarvis.v1 import server_pb2
from jarvis.wire.answers import ANSWER, EVENTS, EXPLANATION
from jarvis.wire.server import STATUS

ROUTING = pb.Routing(
    route="default",
    reason=pb.ROUTING_REASON_FALLBACK,
    skipped=[
        pb.SkippedModel(model="big", reason="ENGINE_DEAD"),
        pb.SkippedModel(model="far", reason="CIRCUIT_OPEN"),
    ],
)
READ = Routing(
    "default",
    RoutingReason.FALLBACK,
    (SkippedModel("big", "ENGINE_DEAD"), SkippedModel("far", "CIRCUIT_OPEN")),
)
SETS = [
    'models.small={adapter="echo", max_difficulty=50}',
    'models.big={adapter="echo", min_difficulty=40, priority=3}',
    "models.echo.max_requests=9",
    'routes={careful={models=["small", "big"], fallback="echo"}}',
    "default_route=careful",
]
QUESTION = [{"role": "user", "content": "x"}]


def test_the_start_tells_the_template_and_the_routing():
    told = {"request_id": "r", "model": "m", "prompt_tokens": 5}
    circumstances = {"template": "technical", "difficulty": 0, "language": "es"}
    started = pb.Started(**told, **circumstances, routing=ROUTING)
    assert EVENTS.read(pb.GenerateStreamResponse(started=started)) == Started(
        **told, **circumstances, routing=READ
    )


def test_what_is_not_told_is_none():
    started = EVENTS.read(pb.GenerateStreamResponse(started=pb.Started()))
    answer = ANSWER.read(pb.GenerateResponse())
    for found in (started, answer):
        assert (found.template, found.difficulty, found.language, found.routing) == (None,) * 4


def test_an_answer_tells_the_same_as_the_start():
    answer = ANSWER.read(pb.GenerateResponse(template="chat", difficulty=7, language="en", routing=ROUTING))
    assert (answer.template, answer.difficulty, answer.language, answer.routing) == ("chat", 7, "en", READ)


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (pb.ROUTING_REASON_NAMED, RoutingReason.NAMED),
        (pb.ROUTING_REASON_ROUTED, RoutingReason.ROUTED),
        (pb.ROUTING_REASON_FALLBACK, RoutingReason.FALLBACK),
    ],
)
def test_the_reason_of_a_routing(sent, read):
    started = pb.Started(routing=pb.Routing(reason=sent))
    found = EVENTS.read(pb.GenerateStreamResponse(started=started))
    assert found.routing == Routing(None, read)


def test_an_explanation_is_read_whole():
    response = pb.ExplainPromptResponse(
        difficulty=0,
        signals=[pb.Signal(name="code", points=2.5, found="def")],
        template="technical",
        language="es",
        messages=[
            pb.Message(role=pb.ROLE_SYSTEM, content="s"),
            pb.Message(role=pb.ROLE_USER, content="u"),
            pb.Message(role=pb.ROLE_ASSISTANT, content="a"),
        ],
        route="default",
        models=["small", "big"],
        model="big",
        prompt_tokens=0,
    )
    assert {field.name for field, _ in response.ListFields()} == set(response.DESCRIPTOR.fields_by_name)
    assert EXPLANATION.read(response) == PromptExplanation(
        difficulty=0,
        signals=(Signal("code", 2.5, "def"),),
        template="technical",
        language="es",
        messages=(Message(Role.SYSTEM, "s"), Message(Role.USER, "u"), Message(Role.ASSISTANT, "a")),
        route="default",
        models=("small", "big"),
        model="big",
        prompt_tokens=0,
    )


def test_what_is_not_explained_is_none():
    found = EXPLANATION.read(pb.ExplainPromptResponse(models=["a"]))
    assert found == PromptExplanation(None, (), None, None, (), None, ("a",), None, None)


def test_an_open_circuit_is_read():
    ready = {"state": server_pb2.STATE_READY}
    models = [server_pb2.ModelStatus(circuit_open=told, **ready) for told in (True, False)]
    status = STATUS.read(server_pb2.GetStatusResponse(models=models, **ready))
    assert [model.circuit_open for model in status.models] == [True, False]


async def test_a_model_that_has_no_room_is_asked_again(fake, retry_after):
    info = error_details_pb2.ErrorInfo(reason="OVERLOADED", domain="jarvis")
    for _ in range(2):
        fake.fail(grpc.StatusCode.RESOURCE_EXHAUSTED, "no room", info, retry_after(0.01))
    async with JarvisClient(fake.address) as client:
        assert (await client.generate(QUESTION)).text == "Paris."
        assert len(fake.requests) == 3
        fake.fail(grpc.StatusCode.RESOURCE_EXHAUSTED, "no room", info, retry_after(0.01))
        assert len([event async for event in client.stream(QUESTION)]) == 4
    assert len(fake.requests) == 5


@pytest.fixture(scope="module")
async def server(start):
    async with start(*SETS) as running:
        yield running.instance.addresses[0]


async def test_models_and_routes_are_listed(server):
    async with JarvisClient(server) as client:
        echo, small, big = await client.models()
        routes = await client.routes()
    assert small == ModelInfo(
        name="small",
        is_default=True,
        adapter="echo",
        state=State.READY,
        context_length=4096,
        supported_fields=small.supported_fields,
        max_difficulty=50,
    )
    assert (big.min_difficulty, big.max_difficulty, big.priority, big.max_requests) == (40, 100, 3, None)
    assert echo.max_requests == 9
    assert routes == [
        RouteInfo("careful", is_default=True, models=("small", "big"), fallback="echo"),
        RouteInfo("default", is_default=False, models=("echo", "small", "big")),
    ]


async def test_an_explanation_is_what_an_answer_then_gets(server):
    options = {"template": "technical", "difficulty": 80, "language": "es"}
    async with JarvisClient(server) as client:
        found = await client.explain_prompt(QUESTION, **options)
        answer = await client.generate(QUESTION, **options)
    system, user = found.messages
    assert (system.role, user) == (Role.SYSTEM, Message(Role.USER, "x"))
    assert (found.route, found.models, found.model) == ("careful", ("big", "small", "echo"), "big")
    for told in (found, answer):
        assert {name: getattr(told, name) for name in options} == options
    assert (answer.model, answer.routing) == ("big", Routing("careful", RoutingReason.ROUTED))
    assert answer.usage.prompt_tokens == found.prompt_tokens


async def test_a_model_that_is_named_has_no_route(server):
    async with JarvisClient(server) as client:
        found = await client.explain_prompt("raw", model="small", difficulty=0)
        answer = await client.generate("raw", model="small")
    assert (found.route, found.models, found.messages) == (None, ("small",), ())
    assert answer.routing == Routing(None, RoutingReason.NAMED)


@pytest.mark.parametrize(
    ("options", "reason", "field"),
    [
        ({"template": "no"}, "TEMPLATE_NOT_FOUND", "template"),
        ({"model": "no"}, "MODEL_NOT_FOUND", "model"),
        ({"difficulty": 101}, "INVALID_ARGUMENT", "difficulty"),
        ({"template_variables": {"a": "b"}}, "INVALID_ARGUMENT", "template_variables"),
    ],
    ids=str,
)
async def test_what_is_wrong_is_said_once(server, options, reason, field):
    async with JarvisClient(server) as client:
        for call in (client.generate, client.explain_prompt):
            with pytest.raises(JarvisClientError) as caught:
                await call(QUESTION, **options)
            (violation,) = caught.value.violations
            assert (caught.value.reason, violation.field) == (reason, field)
            assert caught.value.message.count(violation.description) == 1


async def test_the_blocking_client_does_the_same(server):
    def use() -> None:
        with BlockingClient(server) as client:
            assert client.explain_prompt(QUESTION, difficulty=0).models == ("small", "big", "echo")
            assert [route.name for route in client.routes()] == ["careful", "default"]

    await asyncio.to_thread(use)
