"""Retrieval on a Chroma server in a process of its own."""

import asyncio
import contextlib
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from jarvis.v1 import retrieval_pb2 as pb

DOCUMENTS = [(f"/d/{n}.md", f"document number {n} tells of topic {n}".encode()) for n in range(5)]


@pytest.fixture
def chroma(tmp_path):
    """Start the server; it keeps its folder and its port when it is started again."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    program = Path(sys.executable).with_name("chroma")

    @contextlib.contextmanager
    def chroma():
        command = [program, "run", "--path", tmp_path / "chroma", "--port", str(port)]
        with (tmp_path / "log").open("a") as log:  # on a pipe that nobody reads, it hangs
            process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            yield port
        finally:
            process.kill()
            process.wait()

    return chroma


async def listening(port):
    async with asyncio.timeout(30):
        while True:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(0.05)


def search(server, text="topic 3", **fields):
    return server.retrieval.Search(pb.SearchRequest(collection="docs", text=text, **fields))


@pytest.fixture
def sets(tmp_path):
    """Settings of a Jarvis on the server at a port."""
    return lambda port: (
        "store.adapter=chroma",
        "store.settings.host=127.0.0.1",
        f"store.settings.port={port}",
        f'retrieval.text_index="{tmp_path}/texts"',
    )


async def test_it_does_what_the_others_do_and_outlives_both_servers(chroma, start, sets, ingest):
    with chroma() as port:
        await listening(port)
        async with start(*sets(port)) as server:
            await server.retrieval.CreateCollection(pb.CreateCollectionRequest(name="docs"))
            _, finished = await ingest(server, "docs", DOCUMENTS)
            assert finished.added == 5
            for mode in ("DENSE", "SPARSE", "HYBRID"):
                hits = (await search(server, mode=f"SEARCH_MODE_{mode}")).hits
                assert hits[0].source.source == "/d/3.md"
    with chroma() as port:  # a server of ours that stops takes all children of its process with it
        await listening(port)
        async with start(*sets(port)) as server:
            _, finished = await ingest(server, "docs", DOCUMENTS[1:], prune=["/d/"])
            assert (finished.unchanged, finished.pruned) == (4, 1)
            check = server.retrieval.CheckCollection(pb.CheckCollectionRequest(name="docs"))
            *_, last = [event async for event in check]
            assert last.diagnosis.ok


async def test_while_it_is_gone_calls_say_so_and_then_all_is_well(chroma, start, sets, ingest, failure):
    with contextlib.ExitStack() as stack:
        port = stack.enter_context(chroma())
        await listening(port)
        async with start(*sets(port)) as server:
            await server.retrieval.CreateCollection(pb.CreateCollectionRequest(name="docs"))
            await ingest(server, "docs", DOCUMENTS[:2])
            stack.close()
            code, reason, _, retry = await failure(search(server))
            assert (code, reason) == ("UNAVAILABLE", "STORE_UNAVAILABLE")
            assert retry > 0
            row = pb.Row(id="a", text="x")
            upsert = server.retrieval.Upsert(pb.UpsertRequest(collection="docs", rows=[row]))
            assert (await failure(upsert))[1] == "STORE_UNAVAILABLE"
            with chroma():
                await listening(port)
                _, finished = await ingest(server, "docs", DOCUMENTS)
                assert (finished.added, finished.unchanged) == (3, 2)
                assert (await search(server)).hits[0].source.source == "/d/3.md"
