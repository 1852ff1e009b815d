"""Several models behind one name."""

import asyncio

import grpc
import pytest
from grpc_health.v1 import health_pb2

from jarvis.v1 import generation_pb2 as pb
from jarvis.v1 import retrieval_pb2, server_pb2

SERVICE = "jarvis.v1.GenerationService"
TWO = [
    "models.small.adapter=echo",
    "models.small.max_difficulty=39",
    "models.large.adapter=echo",
    "models.large.min_difficulty=40",
    "routes.both.models=['small','large']",
    "default_route=both",
]
SLOW = "models.{}.settings.tokens_per_second=20"
LONG = pb.GenerateStreamRequest(prompt="a " * 200, difficulty=0)


def ask(difficulty, model=None):
    return pb.GenerateRequest(prompt="a", difficulty=difficulty, model=model)


def skipped(routing):
    return [(one.model, one.reason) for one in routing.skipped]


async def test_a_route_picks_by_difficulty_and_says_so(start):
    async with start(*TWO) as server:
        for difficulty, model in ((0, "small"), (39, "small"), (40, "large"), (100, "large")):
            answer = await server.generation.Generate(ask(difficulty))
            assert answer.model == model
            assert answer.routing == pb.Routing(route="both", reason=pb.ROUTING_REASON_ROUTED)

        named = await server.generation.Generate(ask(0, "large"))
        assert (named.model, named.routing) == ("large", pb.Routing(reason=pb.ROUTING_REASON_NAMED))
        route = await server.generation.Generate(ask(0, "both"))
        assert route.model == "small"
        all_of_them = await server.generation.Generate(ask(50, "default"))
        assert (all_of_them.model, all_of_them.routing.route) == ("echo", "default")


async def test_a_full_model_hands_on_and_where_all_are_full_a_retry_is_asked_for(start, failure):
    sets = [f"models.{name}.max_requests=1" for name in ("small", "large")]
    async with start(*TWO, *sets, *(SLOW.format(name) for name in ("small", "large"))) as server:
        first = server.generation.GenerateStream(LONG)
        assert (await first.read()).started.model == "small"
        second = server.generation.GenerateStream(LONG)
        started = (await second.read()).started
        assert (started.model, skipped(started.routing)) == ("large", [("small", "OVERLOADED")])
        assert started.routing.reason == pb.ROUTING_REASON_FALLBACK

        code, reason, _, retry = await failure(server.generation.Generate(ask(0)))
        assert (code, reason) == ("RESOURCE_EXHAUSTED", "OVERLOADED")
        assert retry > 0
        assert (await failure(server.generation.Generate(ask(0, "small"))))[0] == "RESOURCE_EXHAUSTED"

        first.cancel()
        while (await server.server.GetStatus(server_pb2.GetStatusRequest())).active_requests > 1:
            await asyncio.sleep(0.01)
        again = server.generation.GenerateStream(LONG)
        assert (await again.read()).started.model == "small", "a caller that hangs up leaves its place"


async def test_load_decides_between_equals(start):
    async with start("models.other.adapter=echo", SLOW.format("echo"), SLOW.format("other")) as server:
        calls, models = [], []
        for _ in range(4):
            calls.append(server.generation.GenerateStream(LONG))
            models.append((await calls[-1].read()).started.model)
        assert models == ["echo", "other", "echo", "other"]


async def test_a_prompt_that_one_model_cannot_hold_goes_to_one_that_can(start):
    async with start(*TWO, "models.small.settings.context_length=5") as server:
        request = pb.GenerateRequest(prompt="a " * 20, difficulty=0)
        answer = await server.generation.Generate(request)
        assert (answer.model, skipped(answer.routing)) == ("large", [("small", "CONTEXT_LENGTH_EXCEEDED")])


async def test_each_model_that_is_tried_gets_the_sources_that_fit_it(start):
    async with start(*TWO, "models.small.settings.context_length=9") as server:
        await server.retrieval.CreateCollection(retrieval_pb2.CreateCollectionRequest(name="docs"))
        rows = [retrieval_pb2.Row(id="tea", text="Tea is kept in the blue tin.")]
        await server.retrieval.Upsert(retrieval_pb2.UpsertRequest(collection="docs", rows=rows))
        request = pb.GenerateRequest(
            messages=[pb.Message(role=pb.ROLE_USER, content="Where is the tea kept?")],
            difficulty=0,
            retrieval=pb.Retrieval(collection="docs", min_similarity=-1),
        )
        answer = await server.generation.Generate(request)
        assert (answer.model, skipped(answer.routing)) == ("large", [("small", "CONTEXT_LENGTH_EXCEEDED")])
        assert [citation.id for citation in answer.retrieved.citations] == ["tea"]
        assert "blue tin" in answer.choices[0].text


async def test_it_serves_as_soon_as_one_model_of_the_default_route_does(start, failure):
    async with start(*TWO, "models.small.settings.load_seconds=60", ready=False) as server:
        await server.serving()
        names = {name: await server.check(f"{SERVICE}/{name}") for name in ("small", "large", "echo")}
        assert names == {"small": "NOT_SERVING", "large": "SERVING", "echo": "SERVING"}
        assert await server.check(SERVICE) == "SERVING"
        status = await server.server.GetStatus(server_pb2.GetStatusRequest())
        assert status.state == server_pb2.STATE_READY

        answer = await server.generation.Generate(ask(0))
        assert (answer.model, skipped(answer.routing)) == ("large", [("small", "MODEL_LOADING")])
        assert (await failure(server.generation.Generate(ask(0, "small"))))[1] == "MODEL_LOADING"
        count = await server.generation.CountTokens(pb.CountTokensRequest(prompt="a"))
        assert count.model == "large"
        listed = (await server.health.List(health_pb2.HealthListRequest())).statuses
        assert f"{SERVICE}/small" in listed


async def test_it_does_not_serve_while_only_other_models_do(start):
    sets = [f"models.{name}.settings.load_seconds=60" for name in ("small", "large")]
    async with start(*TWO, *sets, ready=False) as server:
        await server.serving(service=f"{SERVICE}/echo")
        assert await server.check(SERVICE) == await server.check() == "NOT_SERVING"
        explained = await server.generation.ExplainPrompt(pb.ExplainPromptRequest(prompt="a", difficulty=50))
        assert explained.models == ["large", "small"]
        assert not explained.HasField("prompt_tokens")


async def test_models_and_routes_are_listed(start):
    sets = ["routes.both.fallback=echo", "models.small.max_requests=7", "models.large.priority=2"]
    async with start(*TWO, *sets) as server:
        listed = await server.server.ListModels(server_pb2.ListModelsRequest())
        routes = {
            route.name: (list(route.models), route.is_default, route.fallback) for route in listed.routes
        }
        assert routes == {
            "both": (["small", "large"], True, "echo"),
            "default": (["echo", "small", "large"], False, ""),
        }
        _, small, large = listed.models
        assert (small.min_difficulty, small.max_difficulty, small.max_requests) == (0, 39, 7)
        assert (large.min_difficulty, large.priority, large.HasField("max_requests")) == (40, 2, False)
        assert all(model.is_default for model in listed.models), "the fallback is part of the way"


async def test_a_route_that_is_not_there_is_named(start):
    async with start() as server:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await server.generation.Generate(ask(0, "nope"))
        assert caught.value.details() == "no model 'nope'; there is default, echo"
