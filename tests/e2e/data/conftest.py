"""Servers in processes of their own, which keep their data in a folder."""

import asyncio
import contextlib
import os
from asyncio.subprocess import DEVNULL, PIPE

import pytest

from jarvis.v1 import retrieval_pb2 as pb
from tests.command import JARVIS

SETTINGS = (
    'http.listen=""',
    "models.echo.adapter=echo",
    "embedder.adapter=hashing",
    "cache=[]",
    "store.settings.in_memory_below=0",
)


def command(name, *arguments, listen="127.0.0.1:0", more=()):
    settings = [f'server.listen=["{listen}"]', *SETTINGS, *more]
    return *JARVIS, name, *arguments, *(part for setting in settings for part in ("--set", setting))


@pytest.fixture
def jarvis(tmp_path):
    """Run a command on a data folder; gives its exit code, and what it says."""

    async def jarvis(data, name, *arguments):
        process = await asyncio.create_subprocess_exec(
            *command(name, *arguments),
            stdout=PIPE,
            stderr=PIPE,
            env={**os.environ, "JARVIS_DATA_DIR": str(data)},
        )
        told = await process.communicate()
        return process.returncode, b"".join(told).decode()

    return jarvis


@pytest.fixture
def serve(tmp_path, connect):
    """Start a server on a data folder; gives the process, and a caller. Its log is in `log`."""

    @contextlib.asynccontextmanager
    async def serve(data, *more):
        socket = f"unix:{tmp_path}/socket"
        with (tmp_path / "log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *command("serve", listen=socket, more=more),
                stdout=DEVNULL,
                stderr=log,
                env={**os.environ, "JARVIS_DATA_DIR": str(data)},
            )
        try:
            async with connect(socket) as peer:
                await peer.serving(30)
                yield process, peer
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()

    return serve


@pytest.fixture
def write():
    """Upsert 50 rows of some number, and give their ids."""

    async def write(peer, number):
        ids = [f"{number}-{i}" for i in range(50)]
        rows = [pb.Row(id=id_, text=f"word{number} of{i} {number * 50 + i}") for i, id_ in enumerate(ids)]
        await peer.retrieval.Upsert(pb.UpsertRequest(collection="docs", rows=rows))
        return ids

    return write


@pytest.fixture
def check():
    """Hold that the rows of a number are found, by vector and by words, and that the places agree."""

    async def check(peer, numbers):
        for number in numbers:
            for i in (0, 49):
                text = f"word{number} of{i} {number * 50 + i}"
                for mode in (pb.SEARCH_MODE_DENSE, pb.SEARCH_MODE_SPARSE):
                    request = pb.SearchRequest(collection="docs", text=text, mode=mode, top_k=1)
                    found = await peer.retrieval.Search(request)
                    assert [hit.id for hit in found.hits] == [f"{number}-{i}"], pb.SearchMode.Name(mode)
        request = pb.CheckCollectionRequest(name="docs")
        *_, last = [event async for event in peer.retrieval.CheckCollection(request)]
        assert last.diagnosis.ok, last
        assert last.diagnosis.checked >= 50 * len(numbers)

    return check
