"""What operators ask of a running server, over HTTP and gRPC: is it well, is it ready, how does it fare."""

import asyncio
import threading

import aiohttp
import grpc
import pytest

from jarvis.address import CannotListen
from jarvis.client import HealthLevel, JarvisClient, State
from jarvis.core.lifecycle import restarts
from jarvis.v1 import embedding_pb2, generation_pb2, server_pb2

SLOW = "models.echo.settings.tokens_per_second=20"


async def get(server, path):
    """Return the status and the JSON of an answer; its text where it is none."""
    url = f"http://{server.instance.http_address}{path}"
    async with aiohttp.ClientSession() as client, client.get(url) as response:
        is_json = response.content_type == "application/json"
        return response.status, await (response.json() if is_json else response.text())


async def until(server, status, level):
    """Wait until /health says so, and give what it says."""
    async with asyncio.timeout(20):
        while (found := await get(server, "/health"))[1]["status"] != level:
            await asyncio.sleep(0.01)
    assert found[0] == status
    return found[1]


async def status(server):
    return await server.server.GetStatus(server_pb2.GetStatusRequest())


async def test_a_server_on_a_cpu_is_healthy_over_http_and_grpc(start):
    async with start() as server:
        facts = await until(server, 200, "healthy")
        ports = ["llm", "embedder", "store", "cache", "estimator", "telemetry"]
        assert [adapter["port"] for adapter in facts["adapters"]] == ports
        assert {adapter["state"] for adapter in facts["adapters"]} == {"ready"}
        assert facts["models_loaded"] == ["echo"]
        assert (await status(server)).health == server_pb2.HEALTH_HEALTHY
        assert await get(server, "/ready") == (200, {"ready": True})


async def test_while_a_model_loads_it_is_alive_and_not_ready(start):
    async with start("models.echo.settings.load_seconds=0.5", ready=False) as server:
        facts = await until(server, 200, "degraded")
        assert facts["models_loaded"] == []
        assert await get(server, "/ready") == (503, {"ready": False})
        assert (await status(server)).health == server_pb2.HEALTH_DEGRADED
        await server.serving()
        assert await get(server, "/ready") == (200, {"ready": True})
        await until(server, 200, "healthy")


async def test_a_dead_engine_is_unhealthy_until_it_is_back(start, monkeypatch):
    monkeypatch.setattr(restarts, "DELAYS", (3.0,))
    async with start('models.echo.on_engine_death="restart"') as server:
        model = server.application.routes.models[0]
        model.port.closed = True
        model.suspect()
        facts = await until(server, 503, "unhealthy")
        assert (facts["adapters"][0]["state"], facts["adapters"][0]["message"]) == ("failed", "closed")
        assert await get(server, "/ready") == (503, {"ready": False})
        assert (await status(server)).health == server_pb2.HEALTH_UNHEALTHY
        await until(server, 200, "healthy")
        assert await get(server, "/ready") == (200, {"ready": True})


async def test_one_of_several_models_that_dies_degrades(start):
    async with start("models.other.adapter=echo") as server:
        await until(server, 200, "healthy")
        model = server.application.routes.models[1]
        model.port.closed = True
        model.suspect()
        facts = await until(server, 200, "degraded")
        assert facts["models_loaded"] == ["echo"]
        assert await get(server, "/ready") == (200, {"ready": True})


async def test_a_model_that_does_not_stay_up_ends_the_server_after_what_runs_in_another(start, monkeypatch):
    monkeypatch.setattr(restarts, "MOST", 0)
    async with start(SLOW, "models.other.adapter=echo") as server:
        request = generation_pb2.GenerateRequest(prompt="a " * 20, model="echo")
        running = server.generation.Generate(request)
        await asyncio.sleep(0.1)
        model = server.application.routes.models[1]
        model.port.closed = True
        model.suspect()
        await until(server, 200, "degraded")
        assert (await running).choices[0].text == "a " * 20
        assert await server.run == 1


async def test_while_it_drains_it_is_alive_and_not_ready(start):
    async with start(SLOW) as server:
        running = server.generation.Generate(generation_pb2.GenerateRequest(prompt="a " * 20))
        await asyncio.sleep(0.1)
        server.instance.stop()
        await asyncio.sleep(0.1)
        assert await get(server, "/ready") == (503, {"ready": False})
        await until(server, 200, "degraded")
        assert (await running).choices[0].text == "a " * 20
        assert await server.run == 0
        with pytest.raises(aiohttp.ClientConnectorError):
            await get(server, "/ready")


async def test_without_telemetry_there_is_nothing_to_scrape(start):
    async with start("telemetry.adapter=none") as server:
        code, text = await get(server, "/metrics")
        assert code == 404
        assert "telemetry.adapter" in text


async def test_the_http_port_can_be_left_out(start):
    async with start('http.listen=""') as server:
        assert server.instance.http_address is None
        assert await server.check() == "SERVING"


async def test_a_taken_http_port_is_one_clear_error(start):
    async with start() as first:
        address = first.instance.http_address
        with pytest.raises(CannotListen, match=f"cannot listen on {address}: .* set http.listen"):
            async with start(f'http.listen="{address}"'):
                pass
        assert (await get(first, "/health"))[0] == 200


async def test_a_scrape_that_hangs_holds_up_no_probe(start, monkeypatch):
    async with start("telemetry.adapter=opentelemetry") as server:
        await until(server, 200, "healthy")
        begun, release = asyncio.Event(), threading.Event()
        loop = asyncio.get_running_loop()

        def hang():
            loop.call_soon_threadsafe(begun.set)
            release.wait(30)
            return ()

        monkeypatch.setattr(server.application.gpus, "read", hang)
        monkeypatch.setattr("jarvis_adapters.opentelemetry.measures.READ_SECONDS", 30)
        scrape = asyncio.create_task(get(server, "/metrics"))
        await asyncio.wait_for(begun.wait(), 10)
        assert await get(server, "/ready") == (200, {"ready": True})
        assert await server.check() == "SERVING"
        assert (await server.generation.Generate(generation_pb2.GenerateRequest(prompt="a"))).choices
        assert not scrape.done()
        release.set()
        assert (await scrape)[0] == 200


async def test_status_tells_what_was_done_of_late_and_what_is_promised(start):
    async with start("models.slow.adapter=echo", "models.slow.settings.tokens_per_second=5") as server:
        before = (await status(server)).recent
        assert (before.calls, before.HasField("latency_p50_seconds")) == (0, False)
        assert not before.HasField("cache_hit_ratio")
        await server.generation.Generate(generation_pb2.GenerateRequest(model="echo", prompt="one two three"))
        for _ in range(2):
            texts = ["a", "b"]
            role = embedding_pb2.TEXT_ROLE_DOCUMENT
            await server.embedding.Embed(embedding_pb2.EmbedRequest(texts=texts, role=role))
        with pytest.raises(grpc.aio.AioRpcError):
            request = generation_pb2.GenerateRequest(model="slow", prompt="a b c d")
            await server.generation.Generate(request, timeout=0.3)

        found = await status(server)
        recent = found.recent
        assert (recent.calls, recent.failed_calls, recent.output_tokens) == (4, 1, 3)
        assert 0 < recent.latency_p50_seconds <= recent.latency_p95_seconds <= recent.latency_p99_seconds
        assert recent.time_to_first_token_p50_seconds > 0
        assert recent.cache_hit_ratio == 0.5
        assert 0 < recent.window_seconds <= 60
        assert found.resident_memory_bytes > 2**20
        objectives = {objective.name: objective for objective in found.objectives}
        assert list(objectives) == ["availability", "latency", "time_to_first_token"]
        availability = objectives["availability"]
        assert (availability.events, availability.bad_events) == (4, 1)
        assert availability.budget_remaining < 0
        assert not availability.HasField("threshold_seconds")
        assert objectives["latency"].budget_remaining == 1
        assert objectives["latency"].threshold_seconds > 0


async def test_the_client_reads_it(start):
    async with start() as server, JarvisClient(server.instance.addresses[0]) as client:
        await until(server, 200, "healthy")
        await client.generate("one two")
        found = await client.status()
    assert (found.state, found.health) == (State.READY, HealthLevel.HEALTHY)
    assert found.recent.calls == 1
    assert found.recent.latency
    assert found.recent.cache_hit_ratio is None
    assert [objective.budget_remaining for objective in found.objectives] == [1, 1, 1]
