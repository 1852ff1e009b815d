"""Components are replaced while hundreds of requests run, and nobody notices."""

import asyncio

import aiohttp
import grpc
import pytest

from jarvis.v1 import embedding_pb2, server_pb2
from jarvis.v1 import generation_pb2 as pb
from jarvis_plugins.registry import PortName

WORDS = 30


@pytest.fixture
async def server(start):
    speed = "models.echo.settings.tokens_per_second=100"
    async with start(speed, "telemetry.adapter=opentelemetry") as running:
        yield running


def reload(server, port, name):
    return server.server.ReloadAdapter(server_pb2.ReloadAdapterRequest(port=port, name=name))


async def stream(server, number):
    prompt = " ".join(f"{number}-{word}" for word in range(WORDS))
    events = [
        event async for event in server.generation.GenerateStream(pb.GenerateStreamRequest(prompt=prompt))
    ]
    assert "".join(event.delta.text for event in events) == prompt
    assert events[-1].finished.usage.completion_tokens == WORDS


async def embed(server, number):
    texts = [f"text {number} {one}" for one in range(4)] + ["the same text"]
    request = embedding_pb2.EmbedRequest(texts=texts, role=embedding_pb2.TEXT_ROLE_DOCUMENT)
    return (await server.embedding.Embed(request)).embeddings[-1].vector


async def well(server, done):
    """Look at the health again and again until all is done; return what was wrong."""
    found = []
    async with aiohttp.ClientSession(f"http://{server.instance.http_address}") as http:
        while not done.is_set():
            found.append(await server.check())
            found.append((await (await http.get("/health")).json())["status"])
            await asyncio.sleep(0.01)
    return set(found)


async def test_no_request_fails_while_a_model_the_embedder_and_a_cache_are_reloaded(server):
    done, enough = asyncio.Event(), asyncio.Event()
    watching = asyncio.create_task(well(server, done))
    requests = []

    async def load():
        while not enough.is_set() or len(requests) < 400:
            numbers = range(len(requests), len(requests) + 10)
            requests.extend(asyncio.create_task(stream(server, number)) for number in numbers)
            requests.extend(asyncio.create_task(embed(server, number)) for number in numbers)
            await asyncio.sleep(0.05)

    loading = asyncio.create_task(load())
    await asyncio.sleep(0.2)
    components = [
        server.application.components.one(port) for port in (PortName.LLM, PortName.EMBEDDER, PortName.CACHE)
    ]
    for _ in range(2):
        before = [one.port for one in components]
        found = await asyncio.gather(*(reload(server, one.port_name, one.name) for one in components))
        assert [one.ended_requests for one in found] == [0, 0, 0]
        assert all(one.port is not port for one, port in zip(components, before, strict=True))
        assert before[0].closed
    enough.set()
    await loading
    vectors = await asyncio.gather(*requests)  # raises what any of them raised
    done.set()
    assert len({str(vector) for vector in vectors if vector is not None}) == 1
    assert await watching == {"SERVING", "healthy"}

    status = await server.server.GetStatus(server_pb2.GetStatusRequest())
    assert [model.restarts for model in status.models] == [0]
    async with aiohttp.ClientSession(f"http://{server.instance.http_address}") as http:
        metrics = (await (await http.get("/metrics")).text()).splitlines()
    assert 'jarvis_requests_active{model="echo"} 0.0' in metrics
    healthy = [line for line in metrics if line.startswith("jarvis_adapter_healthy{")]
    assert len(healthy) == len(list(server.application.components)), "each is there once"


async def test_a_stream_ends_in_the_instance_where_it_began(server):
    model = server.application.routes.models[0]
    old = model.port
    generate, ended = old.generate, []

    async def watched(request):
        async for event in generate(request):
            yield event
        ended.append(old.closed)

    old.generate = watched
    running = [asyncio.create_task(stream(server, number)) for number in range(20)]
    while model.active < len(running):
        await asyncio.sleep(0.01)
    assert (await reload(server, "llm", "echo")).ended_requests == 0
    assert model.port is not old
    assert old.closed
    assert ended == [False] * len(running)
    await asyncio.gather(*running)


async def test_who_does_not_finish_in_time_is_told_to_come_again(start):
    slow = "models.echo.settings.tokens_per_second=1"
    async with start(slow, "server.drain_timeout_seconds=0.1") as server:
        request = pb.GenerateStreamRequest(prompt="a b c d e f g h")
        call = server.generation.GenerateStream(request)
        await call.read()
        assert (await reload(server, "llm", "echo")).ended_requests == 1
        with pytest.raises(grpc.aio.AioRpcError, match="was reloaded") as caught:
            while await call.read() is not grpc.aio.EOF:
                pass
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        assert server.application.routes.models[0].breaker.open is False


async def test_what_cannot_be_reloaded_is_refused_with_the_reason(server, failure):
    assert (await failure(reload(server, "store", "memory")))[:2] == ("FAILED_PRECONDITION", "CANNOT_RELOAD")
    assert (await failure(reload(server, "llm", "no")))[:2] == ("NOT_FOUND", "COMPONENT_NOT_FOUND")
