"""Ten servers on one Redis: what one has embedded the others find, and limits hold across all of them."""

import asyncio
import itertools
import socket
import sys
import time
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import numpy as np
import pytest

from jarvis.access import keys
from jarvis.client import CannotConnect, HealthLevel, JarvisClient, JarvisClientError, TextRole
from jarvis.core.principal import Role

pytestmark = pytest.mark.timeout(300)  # a dozen servers start, two of them with a real model

SERVERS = 10
JARVIS = (sys.executable, "-c", "import sys; from jarvis.cli.main import main; sys.exit(main())")
STAND_INS = (
    "models.echo.adapter=echo",
    "embedder.adapter=hashing",
    "estimator.adapter=none",
    "store.adapter=none",
    "telemetry.adapter=none",
    'http.listen=""',
    'limits.usage=":memory:"',
    "server.drain_delay_seconds=0",
)
LIMIT = 20
WAIT = 10.0
"""Seconds within which every call ends, also on a busy machine; a hung Redis would hold it for ever."""


@asynccontextmanager
async def server(folder, url, *sets):
    """Run a server until the exit; gives a client for each of two callers, by name."""
    folder.mkdir()
    address, file = f"127.0.0.1:{_free_port()}", folder / "keys.json"
    cache = f'{{adapter="redis", settings={{url="{url}", timeout_seconds=1.9}}}}'
    shared = (f"cache=[{cache}]", f"limits.redis={url}")
    known = (f'auth.keys="{file}"', f"callers.limited={{requests_per_minute={LIMIT}}}")
    command = [*JARVIS, "serve", "--set", f'server.listen=["{address}"]']
    for one in (*STAND_INS, *shared, *known, *sets):
        command += ["--set", one]
    roles = [Role.INFER, Role.OBSERVE]
    tokens = {name: keys.add(file, name, roles, None)[1] for name in ("limited", "free")}
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(*command, cwd=folder, stdout=log, stderr=log)
    try:
        async with AsyncExitStack() as stack:
            clients = {
                name: await stack.enter_async_context(JarvisClient(address, token=token, attempts=1))
                for name, token in tokens.items()
            }
            yield clients
    finally:
        process.kill()
        await process.wait()


def _free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


async def healthy(client, level=HealthLevel.HEALTHY, within=250):
    """Wait until a server is as healthy as that."""
    async with asyncio.timeout(within):
        while True:
            with suppress(CannotConnect):
                if (await client.status()).health is level:
                    return
            await asyncio.sleep(0.1)


@pytest.fixture(scope="module")
async def ten(start_redis, tmp_path_factory):
    """A Redis, and the clients of ten servers on it."""
    redis, folder = start_redis(), tmp_path_factory.mktemp("servers")
    async with AsyncExitStack() as stack:
        servers = [server(folder / str(n), redis.url) for n in range(SERVERS)]
        each = [await stack.enter_async_context(one) for one in servers]
        await asyncio.gather(*(healthy(clients["free"]) for clients in each))
        yield redis, each


async def embedded_by_one_found_by_others(redis, first, others, texts):
    """Embed texts with one server, and then with the others; gives the vectors."""
    stats = redis.seen.info("stats")
    kept = redis.seen.dbsize()
    computed = await first.embed(texts)
    assert not any(computed.cached)
    async with asyncio.timeout(10):  # they are written after the answer
        while redis.seen.dbsize() < kept + len(texts):
            await asyncio.sleep(0.05)
    for found in await asyncio.gather(*(other.embed(texts) for other in others)):
        assert all(found.cached), "no model was asked"
        assert np.array_equal(found.vectors, computed.vectors)
    asked = redis.seen.info("stats")
    assert asked["keyspace_misses"] - stats["keyspace_misses"] == len(texts), "those of the first"
    assert asked["keyspace_hits"] - stats["keyspace_hits"] >= len(texts) * len(others)
    return computed.vectors


async def let_in(client):
    """Embed something; gives whether the caller's limits allowed it."""
    try:
        await client.embed(["a text"])
    except JarvisClientError as error:
        if error.reason != "LIMIT_EXCEEDED":
            raise
        return False
    return True


async def test_what_one_has_embedded_the_others_find(ten):
    redis, each = ten
    first, *others = [clients["free"] for clients in each]
    await embedded_by_one_found_by_others(redis, first, others, [f"text {i}" for i in range(50)])


async def test_a_limit_of_a_minute_holds_across_them(ten):
    calls = [let_in(clients["limited"]) for clients in ten[1] for _ in range(4)]
    assert sum(await asyncio.gather(*calls)) == LIMIT


async def test_while_redis_hangs_or_is_dead_no_call_fails_and_all_recover(ten):
    redis, each = ten
    free = [clients["free"] for clients in each]
    limited = [clients["limited"] for clients in each]
    stop, slowest = asyncio.Event(), 0.0

    async def go_on(client):
        nonlocal slowest
        for n in itertools.count():
            if stop.is_set():
                return
            began = time.monotonic()
            await client.embed([f"call {n // 2}"])
            slowest = max(slowest, time.monotonic() - began)
            await asyncio.sleep(0.1)

    async def all_are(level):
        await asyncio.gather(*(healthy(client, level) for client in free))

    async def limited_again():
        async with asyncio.timeout(20):
            while await let_in(limited[0]):
                await asyncio.sleep(0.02)

    async with asyncio.TaskGroup() as group:
        for client in free:
            group.create_task(go_on(client))
        redis.hang()
        await all_are(HealthLevel.DEGRADED)
        assert all(await asyncio.gather(*map(let_in, limited))), "nobody is held to what cannot be counted"
        redis.go_on()
        await all_are(HealthLevel.HEALTHY)
        await limited_again()
        redis.process.kill()
        await all_are(HealthLevel.DEGRADED)
        with redis.running():
            await all_are(HealthLevel.HEALTHY)
            await limited_again()
            stop.set()
            await asyncio.sleep(0.2)
            await embedded_by_one_found_by_others(redis, free[-1], free[:-1], ["a text after all this"])
    assert slowest < WAIT


async def test_two_servers_with_a_real_model(start_redis, tmp_path):
    redis, model = (
        start_redis(),
        ("embedder.adapter=sentence-transformers", "embedder.settings.precision=float32"),
    )
    async with (
        server(tmp_path / "1", redis.url, *model) as first,
        server(tmp_path / "2", redis.url, *model) as second,
    ):
        one, other = first["free"], second["free"]
        await asyncio.gather(healthy(one), healthy(other))
        texts = ["What is the capital of France?", "Paris is the capital of France.", "Cells make energy."]
        question, right, wrong = await embedded_by_one_found_by_others(redis, one, [other], texts)
        assert question @ right > 0.6
        assert question @ wrong < 0.2
        again = await other.embed(texts[:1], role=TextRole.QUERY)  # this model embeds both roles alike
        assert not any(again.cached)
        assert again.vectors[0] @ question > 0.999
