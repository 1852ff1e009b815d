"""Where logs and traces go does not answer: no stream is lost, and operators are told."""

import asyncio
import json
import os
import re
import sys
import urllib.request
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from jarvis.v1 import generation_pb2 as pb

STREAMS = 64
TOKENS = 25


@asynccontextmanager
async def serving(folder, connect, *sets, stderr):
    """Run a server in a process of its own, on the stand-ins."""
    sets = [
        f'server.listen=["unix:{folder}/jarvis.sock"]',
        "models.echo.adapter=echo",
        "models.echo.settings.tokens_per_second=500",
        "embedder.adapter=none",
        "store.adapter=none",
        "server.drain_delay_seconds=0",
        *sets,
    ]
    arguments = [part for pair in sets for part in ("--set", pair)]
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("jarvis"), "serve", *arguments, stderr=stderr, cwd=folder
    )
    try:
        async with connect(f"unix:{folder}/jarvis.sock") as peer:
            await peer.serving(30)
            peer.process = process
            yield peer
    finally:
        if process.returncode is None:
            process.terminate()
            await asyncio.wait_for(process.wait(), 30)


async def stream(peer):
    sampling = pb.SamplingParams(max_tokens=TOKENS, ignore_eos=True)
    request = pb.GenerateStreamRequest(prompt="a b c", sampling=sampling)
    events = [event async for event in peer.generation.GenerateStream(request)]
    return events[-1].finished.usage.completion_tokens


async def health(port):
    url = f"http://127.0.0.1:{port}/health"
    return json.loads(await asyncio.to_thread(lambda: urllib.request.urlopen(url, timeout=10).read()))


@pytest.fixture
def free_port(unused_tcp_port_factory):
    return unused_tcp_port_factory()


async def test_a_log_that_nobody_reads_stops_no_stream(connect, tmp_path, free_port):
    reader, writer = os.pipe()
    address = f'http.listen="127.0.0.1:{free_port}"'
    async with serving(tmp_path, connect, address, "log.queue_size=10", stderr=writer) as peer:
        os.close(writer)
        # 64 KiB fit in the pipe, some 300 lines.
        for _ in range(8):
            assert await asyncio.gather(*(stream(peer) for _ in range(STREAMS))) == [TOKENS] * STREAMS

        url = f"http://127.0.0.1:{free_port}/metrics"
        page = await asyncio.to_thread(lambda: urllib.request.urlopen(url, timeout=10).read().decode())
        (dropped,) = re.findall(r"^jarvis_log_records_dropped_total (\S+)", page, re.MULTILINE)
        assert float(dropped) > 0
        peer.process.terminate()
        assert await asyncio.wait_for(peer.process.wait(), 30) == 0, "nor the end of the server"
    os.close(reader)


async def test_traces_that_nobody_takes_stop_no_stream(connect, tmp_path, free_port):
    connections = []
    silent = await asyncio.start_server(lambda *one: connections.append(one), "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    sets = [
        f'telemetry.settings.otlp_endpoint="http://127.0.0.1:{port}"',
        f'http.listen="127.0.0.1:{free_port}"',
    ]
    with (tmp_path / "log").open("wb") as log:
        async with silent, serving(tmp_path, connect, *sets, stderr=log) as peer:
            assert await asyncio.gather(*(stream(peer) for _ in range(STREAMS))) == [TOKENS] * STREAMS
            while (found := await health(free_port))["status"] != "degraded":
                assert await asyncio.gather(*(stream(peer) for _ in range(STREAMS))) == [TOKENS] * STREAMS
            (telemetry,) = [one for one in found["adapters"] if one["port"] == "telemetry"]
            assert telemetry["state"] == "failed"
            peer.process.terminate()
            assert await asyncio.wait_for(peer.process.wait(), 30) == 0
    for _, writer in connections:
        writer.close()
