"""What can befall Chroma on a server."""

import contextlib
import os
import signal

import pytest

from jarvis_adapters.chroma import open_chroma
from jarvis_adapters.chroma.server import EngineServer
from jarvis_adapters.chroma.settings import ChromaSettings
from jarvis_ports.errors import StoreUnavailable, StoreUnusable
from jarvis_ports.store import StoreCheck
from tests.conformance.test_chroma_failures import SPEC, diagnose, rows, until_health


async def test_no_server_is_said_at_the_start(chroma_server):
    with pytest.raises(StoreUnusable, match=r"127.0.0.1:1: no Chroma server answers there .*chroma run"):
        async with open_chroma(ChromaSettings(host="127.0.0.1", port=1)):
            pass


async def test_a_server_that_goes_and_comes_back(chroma_server):
    made, vectors = rows(30)
    async with open_chroma(ChromaSettings(host="127.0.0.1", port=chroma_server.port)) as store:
        await store.create(SPEC)
        await store.upsert("papers", made, vectors)
        chroma_server.kill()
        for call in (store.query("papers", vectors[0], 1), store.upsert("papers", made, vectors)):
            with pytest.raises(StoreUnavailable, match="does not answer"):
                await call
        assert "does not" in await until_health(store, ok=False)
        chroma_server.start()
        await until_health(store, ok=True)
        assert (await store.query("papers", vectors[3], 1))[0].row == made[3]
        await store.drop("papers")


async def test_a_server_that_hangs_is_unavailable(chroma_server, monkeypatch):
    monkeypatch.setattr("jarvis_adapters.chroma.server.CALL_SECONDS", 0.5)
    monkeypatch.setattr("jarvis_adapters.chroma.server.PROBE_SECONDS", 0.5)
    async with open_chroma(ChromaSettings(host="127.0.0.1", port=chroma_server.port)) as store:
        await store.create(SPEC)
        os.kill(chroma_server.process.pid, signal.SIGSTOP)
        try:
            with pytest.raises(StoreUnavailable, match="in time"):
                await store.count("papers")
            await until_health(store, ok=False)
        finally:
            os.kill(chroma_server.process.pid, signal.SIGCONT)
        await until_health(store, ok=True)
        assert await store.count("papers") == 0
        await store.drop("papers")


async def test_while_a_server_hangs_it_is_probed_before_calls_that_would_wait_for_longer(
    chroma_server, monkeypatch
):
    monkeypatch.setattr("jarvis_adapters.chroma.server.CALL_SECONDS", 2.0)
    monkeypatch.setattr("jarvis_adapters.chroma.server.PROBE_SECONDS", 0.1)
    calls = []
    call = EngineServer.call
    monkeypatch.setattr(EngineServer, "call", lambda *args: (calls.append(args), call(*args))[1])
    async with open_chroma(ChromaSettings(host="127.0.0.1", port=chroma_server.port)) as store:
        await store.create(SPEC)
        os.kill(chroma_server.process.pid, signal.SIGSTOP)
        try:
            with pytest.raises(StoreUnavailable, match="in time"):
                await store.count("papers")
            calls.clear()
            for _ in range(5):
                with pytest.raises(StoreUnavailable, match=r"does not answer$"):
                    await store.count("papers")
            assert calls == []
        finally:
            os.kill(chroma_server.process.pid, signal.SIGCONT)
        assert await store.count("papers") == 0, "a call that follows finds out at once that it is back"
        await store.drop("papers")


async def test_two_clients_of_a_server_see_what_the_other_does(chroma_server):
    settings = ChromaSettings(host="127.0.0.1", port=chroma_server.port)
    made, vectors = rows(30)
    async with open_chroma(settings) as one, open_chroma(settings) as other:
        await one.create(SPEC)
        await other.create(SPEC)
        await other.upsert("papers", made, vectors)
        assert await one.count("papers") == 30
        async with contextlib.aclosing(other.rebuild(SPEC)) as steps:
            async for _ in steps:
                assert (await one.query("papers", vectors[3], 1))[0].row == made[3]
        assert (await one.query("papers", vectors[3], 1))[0].row == made[3]
        assert isinstance(await diagnose(one), StoreCheck)
        await one.drop("papers")
        assert await other.collections() == []
