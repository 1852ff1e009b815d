"""ServerService, health, reflection, and the life of the server."""

import asyncio
import socket

import grpc
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from jarvis.address import CannotListen
from jarvis.v1 import embedding_pb2, retrieval_pb2, server_pb2
from jarvis.v1 import generation_pb2 as pb

SERVICES = ["EmbeddingService", "GenerationService", "RetrievalService", "ServerService"]
GENERATION = "jarvis.v1.GenerationService"
NAMES = sorted(["", f"{GENERATION}/echo", *(f"jarvis.v1.{service}" for service in SERVICES)])
SLOW = "models.echo.settings.tokens_per_second=20"


async def test_health_is_not_serving_until_the_engine_is_up(start, failure):
    async with start("models.echo.settings.load_seconds=0.5", ready=False) as server:
        statuses = (await server.health.List(health_pb2.HealthListRequest(), wait_for_ready=True)).statuses
        assert sorted(statuses) == NAMES
        for name in ("", GENERATION):
            assert await server.check(name) == "NOT_SERVING"
        status = await server.server.GetStatus(server_pb2.GetStatusRequest())
        assert status.state == status.models[0].state == server_pb2.STATE_LOADING
        call = server.generation.Generate(pb.GenerateRequest(prompt="a"))
        code, reason, _, retry = await failure(call)
        assert (code, reason) == ("UNAVAILABLE", "MODEL_LOADING")
        assert retry > 0

        await server.serving()
        for name in NAMES:
            assert await server.check(name) == "SERVING"
        assert (await server.server.GetStatus(server_pb2.GetStatusRequest())).state == server_pb2.STATE_READY


async def test_a_service_answers_as_soon_as_what_it_needs_is_there(start):
    async with start("models.echo.settings.load_seconds=60", ready=False) as server:
        await server.serving(service="jarvis.v1.RetrievalService")
        assert await server.check("jarvis.v1.EmbeddingService") == "SERVING"
        assert await server.check("") == "NOT_SERVING"


async def test_what_the_configuration_turns_off_is_no_service_and_says_so(start, failure):
    async with start("embedder.adapter=none", "store.adapter=none") as server:
        assert await server.check() == "SERVING"
        names = (await server.health.List(health_pb2.HealthListRequest())).statuses
        assert sorted(names) == ["", GENERATION, f"{GENERATION}/echo", "jarvis.v1.ServerService"]
        embed = server.embedding.Embed(embedding_pb2.EmbedRequest(texts=["a"]))
        assert (await failure(embed))[:2] == ("UNIMPLEMENTED", "NOT_CONFIGURED")
        search = server.retrieval.Search(retrieval_pb2.SearchRequest(collection="abc", text="a"))
        assert (await failure(search))[:2] == ("UNIMPLEMENTED", "NOT_CONFIGURED")


async def test_an_unknown_service_is_not_found(start, failure):
    async with start() as server:
        call = server.health.Check(health_pb2.HealthCheckRequest(service="nope"))
        assert await failure(call) == ("NOT_FOUND", "SERVICE_NOT_FOUND", ["service"], None)
        with pytest.raises(grpc.aio.AioRpcError, match=r"no service 'nope'; there is .*jarvis\.v1\."):
            await server.check("nope")


async def test_more_services_than_health_lists_are_asked_for_one_by_one(start, failure):
    models = [f"models.m{number}.adapter=echo" for number in range(100)]
    async with start(*models) as server:
        call = server.health.List(health_pb2.HealthListRequest())
        assert await failure(call) == ("RESOURCE_EXHAUSTED", "TOO_MANY_SERVICES", [], None)
        assert await server.check(f"{GENERATION}/m99") == "SERVING"


async def test_a_watch_sees_loading_serving_and_drain(start):
    async with start("models.echo.settings.load_seconds=0.2", ready=False) as server:
        watch = server.health.Watch(health_pb2.HealthCheckRequest(service=GENERATION), wait_for_ready=True)
        seen = [(await watch.read()).status, (await watch.read()).status]
        server.instance.stop()
        seen.append((await watch.read()).status)

    response = health_pb2.HealthCheckResponse
    assert seen == [response.NOT_SERVING, response.SERVING, response.NOT_SERVING]


async def test_a_drain_lets_calls_finish_and_refuses_new_ones(start, failure):
    async with start(SLOW, "server.drain_delay_seconds=0.3") as server:
        running = server.generation.Generate(pb.GenerateRequest(prompt="a " * 20))
        await asyncio.sleep(0.1)
        server.instance.stop()
        await asyncio.sleep(0.1)
        assert await server.check() == "NOT_SERVING"
        status = await server.server.GetStatus(server_pb2.GetStatusRequest())
        assert (status.state, status.active_requests) == (server_pb2.STATE_DRAINING, 1)
        late = server.generation.Generate(pb.GenerateRequest(prompt="late"))
        assert (await late).choices[0].text == "late"

        await asyncio.sleep(0.4)
        code, reason, _, retry = await failure(server.generation.Generate(pb.GenerateRequest(prompt="new")))
        assert (code, reason) == ("UNAVAILABLE", "DRAINING")
        assert retry > 0
        assert await server.check() == "NOT_SERVING"
        assert (await running).choices[0].text == "a " * 20
        assert await server.run == 0


async def test_calls_that_do_not_finish_in_time_are_ended(start, failure):
    async with start(SLOW, "server.drain_timeout_seconds=0.2") as server:
        endless = server.generation.Generate(pb.GenerateRequest(prompt="a " * 2000))
        await asyncio.sleep(0.1)
        server.instance.stop()

        assert (await failure(endless))[:2] == ("UNAVAILABLE", "DRAINING")
        assert await server.run == 0


async def test_models_are_listed_with_what_they_honour(start):
    async with start("models.other.adapter=echo", 'default_route="other"') as server:
        models = (await server.server.ListModels(server_pb2.ListModelsRequest())).models

        assert [(model.name, model.is_default) for model in models] == [("echo", False), ("other", True)]
        assert models[0].context_length == 4096
        assert "sampling.stop" in models[0].supported_fields
        assert "sampling.temperature" not in models[0].supported_fields
        answered = await server.generation.Generate(pb.GenerateRequest(prompt="a"))
        assert answered.model == "other"


async def test_adapters_are_listed_with_where_they_come_from(start):
    async with start('plugins.block=["vllm"]') as server:
        adapters = (await server.server.ListAdapters(server_pb2.ListAdaptersRequest())).adapters

    found = {adapter.name: adapter for adapter in adapters}
    assert found["echo"].state == server_pb2.ADAPTER_STATE_AVAILABLE
    assert (found["echo"].port, found["echo"].distribution) == ("llm", "jarvis-server")
    assert found["vllm"].state == server_pb2.ADAPTER_STATE_BLOCKED


@pytest.fixture(params=["v1", "v1alpha"])
def reflect(request):
    """Ask for reflection in one version, with no stubs: a v1 client's bytes are those of v1alpha."""

    async def ask(server, **question):
        call = server.channel.stream_stream(
            f"/grpc.reflection.{request.param}.ServerReflection/ServerReflectionInfo",
            reflection_pb2.ServerReflectionRequest.SerializeToString,
            reflection_pb2.ServerReflectionResponse.FromString,
        )
        questions = iter([reflection_pb2.ServerReflectionRequest(**question)] * 2)
        first, again = [reply async for reply in call(questions, timeout=10)]
        assert first == again
        return first

    return ask


async def test_reflection_lists_the_services(start, reflect):
    async with start() as server:
        reply = await reflect(server, list_services="")

    names = [service.name for service in reply.list_services_response.service]
    reflection = [f"grpc.reflection.{version}.ServerReflection" for version in ("v1", "v1alpha")]
    assert names == ["grpc.health.v1.Health", *reflection, *(f"jarvis.v1.{service}" for service in SERVICES)]


async def test_reflection_describes_every_service_that_it_lists_with_all_that_it_needs(start, reflect):
    async with start() as server:
        listed = (await reflect(server, list_services="")).list_services_response.service
        for service in listed:
            reply = await reflect(server, file_containing_symbol=service.name)
            pool = descriptor_pool.DescriptorPool()
            files = [
                descriptor_pb2.FileDescriptorProto.FromString(file)
                for file in reply.file_descriptor_response.file_descriptor_proto
            ]
            left = {file.name: file for file in files}
            while left:
                ready = [file for file in left.values() if not left.keys() & {*file.dependency}]
                for file in ready:
                    pool.Add(left.pop(file.name))
            for method in pool.FindServiceByName(service.name).methods:
                assert method.input_type.full_name
                assert method.output_type.full_name
            by_name = await reflect(server, file_by_filename=files[0].name)
            assert by_name.file_descriptor_response == reply.file_descriptor_response
            assert (await reflect(server, file_containing_symbol=f"{service.name}.Nope")).HasField(
                "error_response"
            )


async def test_a_unix_socket_serves(start, tmp_path):
    async with start(f'server.listen=["unix:{tmp_path}/jarvis.sock"]') as server:
        assert (await server.generation.Generate(pb.GenerateRequest(prompt="a"))).choices[0].text == "a"


@pytest.mark.parametrize("listen", ["127.0.0.1:0", "unix:{folder}/jarvis.sock"], ids=["port", "socket"])
async def test_a_taken_address_is_one_clear_error(start, tmp_path, listen):
    async with start(f'server.listen=["{listen.format(folder=tmp_path)}"]') as first:
        address = first.instance.addresses[0]
        with pytest.raises(CannotListen, match=f"cannot listen on {address}"):
            async with start(f'server.listen=["{address}"]'):
                pass
        assert (await first.generation.Generate(pb.GenerateRequest(prompt="a"))).choices


async def test_a_socket_that_a_killed_server_left_is_taken_over(start, tmp_path):
    path = tmp_path / "jarvis.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))

    async with start(f'server.listen=["unix:{path}"]') as server:
        assert (await server.generation.Generate(pb.GenerateRequest(prompt="a"))).choices
