"""Further weights are loaded and unloaded while a server runs."""

import asyncio
import json
import logging

import aiohttp
import pytest
from grpc_health.v1 import health_pb2

from jarvis.access import keys
from jarvis.core.principal import Role, log_id
from jarvis.v1 import generation_pb2 as pb
from jarvis.v1 import server_pb2

GENERATION = "jarvis.v1.GenerationService"
WORDS = "a b c d e f g h"
UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
SERVING = health_pb2.HealthCheckResponse.SERVING


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of weights, in one that may have some."""
    own = tmp_path_factory.mktemp("weights") / "own"
    own.mkdir()
    (own / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA"}))
    (own / "adapter_model.safetensors").write_bytes(b"")
    return own


@pytest.fixture
async def server(start, folder):
    sets = [
        f'server.weights_folders=["{folder.parent}"]',
        "models.fixed.adapter=lora",
        f'models.fixed.settings={{base="echo", path="{folder}"}}',
        "models.echo.settings.tokens_per_second=100",
        "models.echo.max_running=8",
        "server.drain_timeout_seconds=5",
        "telemetry.adapter=opentelemetry",
    ]
    async with start(*sets) as running:
        await running.serving(service=f"{GENERATION}/fixed")
        yield running


def load(server, path, name="own", base="echo", **call):
    request = server_pb2.LoadAdapterWeightsRequest(base=base, name=name, path=str(path))
    return server.server.LoadAdapterWeights(request, **call)


def unload(server, name="own"):
    return server.server.UnloadAdapterWeights(server_pb2.UnloadAdapterWeightsRequest(name=name))


async def listed(server):
    response = await server.server.ListAdapterWeights(server_pb2.ListAdapterWeightsRequest())
    return [(one.name, one.base, one.path, one.state, one.configured) for one in response.weights]


async def models(server):
    return (await server.server.ListModels(server_pb2.ListModelsRequest())).models


async def ask(server, model, prompt=WORDS):
    return (await server.generation.Generate(pb.GenerateRequest(prompt=prompt, model=model))).choices[0].text


async def gauges(server):
    """Return the names of the models of each gauge that is there by model."""
    async with aiohttp.ClientSession(f"http://{server.instance.http_address}") as http:
        lines = (await (await http.get("/metrics")).text()).splitlines()
    healthy = {line for line in lines if line.startswith("jarvis_adapter_healthy{") and 'port="llm"' in line}
    active = {line for line in lines if line.startswith("jarvis_requests_active{")}
    return [any('"own"' in line for line in found) for found in (healthy, active)]


async def follow(server, seen):
    request = health_pb2.HealthCheckRequest(service=f"{GENERATION}/own")
    async for response in server.health.Watch(request):
        seen.append(response.status)


async def test_they_are_a_model_of_their_own_from_then_on_until_they_are_unloaded(server, folder, failure):
    seen = []

    async def told(statuses):
        async with asyncio.timeout(10):
            while seen != statuses:
                await asyncio.sleep(0.01)

    watch = asyncio.create_task(follow(server, seen))
    await told([UNKNOWN])
    await load(server, folder)
    assert await ask(server, "own") == WORDS.upper()
    assert await ask(server, "echo") == WORDS
    await told([UNKNOWN, SERVING])
    fixed = ("fixed", "echo", str(folder), server_pb2.STATE_READY, True)
    assert await listed(server) == [fixed, ("own", "echo", str(folder), server_pb2.STATE_READY, False)]
    echo, _, own = await models(server)
    assert (own.name, own.adapter, own.is_default) == ("own", "lora", False)
    assert own.context_length == echo.context_length
    assert await gauges(server) == [True, True]

    assert (await unload(server)).ended_requests == 0
    assert (await failure(ask(server, "own")))[:2] == ("NOT_FOUND", "MODEL_NOT_FOUND")
    await told([UNKNOWN, SERVING, UNKNOWN])
    assert await listed(server) == [fixed]
    assert [model.name for model in await models(server)] == ["echo", "fixed"]
    assert await gauges(server) == [False, False]
    assert await server.check() == "SERVING"
    watch.cancel()
    await asyncio.wait([watch])


async def test_what_cannot_be_is_refused_with_the_reason(server, folder, failure):
    await load(server, folder)
    found = {
        "base": load(server, folder, "new", base="fixed"),
        "name": load(server, folder, "a b"),
        "path": load(server, folder.parent.parent, "new"),
        "taken": load(server, folder, "echo"),
        "again": load(server, folder),
        "unknown": unload(server, "new"),
        "configured": unload(server, "fixed"),
    }
    refused = {why: (await failure(call))[:3] for why, call in found.items()}
    assert refused == {
        "base": ("INVALID_ARGUMENT", "INVALID_ARGUMENT", ["base"]),
        "name": ("INVALID_ARGUMENT", "INVALID_ARGUMENT", ["name"]),
        "path": ("INVALID_ARGUMENT", "INVALID_ARGUMENT", ["path"]),
        "taken": ("ALREADY_EXISTS", "NAME_TAKEN", []),
        "again": ("ALREADY_EXISTS", "NAME_TAKEN", []),
        "unknown": ("NOT_FOUND", "WEIGHTS_NOT_FOUND", []),
        "configured": ("FAILED_PRECONDITION", "CANNOT_UNLOAD", []),
    }


async def test_a_server_without_folders_of_weights_loads_none(start, folder, failure):
    async with start() as server:
        assert (await failure(load(server, folder)))[:2] == ("UNIMPLEMENTED", "NOT_CONFIGURED")
        assert await listed(server) == []


async def test_no_request_fails_while_weights_come_and_go(server, folder):
    enough, texts = asyncio.Event(), {"echo": set(), "fixed": set(), "own": set()}

    async def caller(model):
        while not enough.is_set():
            texts[model].add(await ask(server, model))

    callers = [asyncio.create_task(caller(model)) for model in ("echo", "fixed") for _ in range(4)]
    for _ in range(5):
        await asyncio.gather(load(server, folder), load(server, folder, "other"))
        running = [asyncio.create_task(ask(server, "own")) for _ in range(20)]  # of which 12 wait
        while server.application.routes.models[-1].active + server.application.routes.models[-2].active < 20:
            await asyncio.sleep(0.001)
        ended = await asyncio.gather(unload(server), unload(server, "other"))
        assert [one.ended_requests for one in ended] == [0, 0]
        texts["own"].update(await asyncio.gather(*running))
    enough.set()
    await asyncio.gather(*callers)  # raises what any of them raised
    assert texts == {"echo": {WORDS}, "fixed": {WORDS.upper()}, "own": {WORDS.upper()}}
    assert len(server.application.routes.models[0].port._weights) == 1, "the engine has the others no longer"


async def test_they_are_reloaded_as_others_are(server, folder):
    await load(server, folder)
    for name in ("echo", "own"):
        reload = server_pb2.ReloadAdapterRequest(port="llm", name=name)
        assert (await server.server.ReloadAdapter(reload)).ended_requests == 0
        assert await ask(server, "own") == WORDS.upper()


async def test_they_sleep_as_others_do(server, folder, failure):
    await load(server, folder)
    await server.server.SleepModel(server_pb2.SleepModelRequest(name="own"))
    assert (await failure(ask(server, "own")))[1] == "MODEL_ASLEEP"
    assert await ask(server, "echo") == WORDS
    await server.server.WakeModel(server_pb2.WakeModelRequest(name="own"))
    assert await ask(server, "own") == WORDS.upper()
    await server.server.SleepModel(server_pb2.SleepModelRequest(name="own"))
    await unload(server)
    assert (await failure(ask(server, "own")))[1] == "MODEL_NOT_FOUND"


async def test_a_server_with_them_ends_well(start, folder):
    async with start(f'server.weights_folders=["{folder.parent}"]') as server:
        await load(server, folder)
        server.instance.stop()
        assert await asyncio.wait_for(server.run, 10) == 0
        assert server.application.weights.tasks == set()


async def test_the_log_tells_who_loaded_what_from_where(start, folder, tmp_path, caplog, failure):
    file = tmp_path / "keys.json"
    key = keys.add(file, "operator", [Role.ADMIN], None)[1]
    metadata = (("authorization", f"Bearer {key}"),)
    caplog.set_level(logging.INFO)
    sets = (f'server.weights_folders=["{folder.parent}"]', f'auth.keys="{file}"')
    async with start(*sets) as server:
        await load(server, folder, metadata=metadata)
        await failure(load(server, folder, metadata=metadata))
    lines = [vars(one) for one in caplog.records if one.getMessage() == "call ended"]
    called = [line for line in lines if line["method"].endswith("LoadAdapterWeights")]
    told = [(line["code"], line["weights"], line["base"], line["path"]) for line in called]
    assert told == [(code, "own", "echo", str(folder)) for code in ("OK", "ALREADY_EXISTS")]
    assert {line["caller"] for line in called} == {log_id("operator")}
