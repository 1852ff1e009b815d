"""Channel arguments: gRPC knows them all, and a silent call outlives the pings of its caller."""

import asyncio
import re
from pathlib import Path

import grpc
import pytest
from grpc._cython import cygrpc

import jarvis.client.channel
import jarvis.server.lifecycle
from jarvis.client import JarvisClient
from jarvis.server.options import server_options
from jarvis.v1 import generation_pb2 as pb
from jarvis.v1 import generation_pb2_grpc

ROOT = Path(__file__).parents[3]
ARGUMENT = re.compile(r'\("(grpc\.[a-z0-9_.]+)",')
SCALE = 50
"""How much shorter the intervals are here."""


def shortened(options):
    return [(name, value // SCALE if name.endswith("_ms") else value) for name, value in options]


@pytest.fixture(scope="module")
def library():
    return Path(cygrpc.__file__).read_bytes()


def is_known(library, argument):
    return argument.encode() + b"\0" in library


def used():
    for folder in ("jarvis", "adapters", "plugins", "bench", "tests"):
        for path in (ROOT / folder).rglob("*.py"):
            for argument in ARGUMENT.findall(path.read_text()):
                yield argument, path


def test_grpc_knows_every_channel_argument(library):
    assert not is_known(library, "grpc.no_such_argument")
    arguments = list(used())
    assert {path.name for _, path in arguments} >= {"options.py", "channel.py"}
    assert [(name, str(path)) for name, path in arguments if not is_known(library, name)] == []


SILENCE = "a " * 25
"""What takes the stand-in 5 s to answer, which stand for 250 s."""


async def ours(address):
    async with JarvisClient(address, attempts=1) as client:
        return (await client.generate(SILENCE, template="")).text


def pinging(address, *, without_calls):
    options = (
        ("grpc.keepalive_time_ms", 10_000 // SCALE),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.keepalive_permit_without_calls", without_calls),
        ("grpc.use_local_subchannel_pool", 1),
    )
    return grpc.aio.insecure_channel(address, options=options)


async def others(address, *, without_calls):
    async with pinging(address, without_calls=without_calls) as channel:
        peer = generation_pb2_grpc.GenerationServiceStub(channel)
        answer = await peer.Generate(pb.GenerateRequest(prompt=SILENCE))
        return answer.choices[0].text


async def idle(address):
    async with pinging(address, without_calls=1) as channel:
        await channel.channel_ready()
        try:
            await asyncio.wait_for(channel.wait_for_state_change(grpc.ChannelConnectivity.READY), 5)
        except TimeoutError:
            return "connected"
        return "hung up on"


async def test_silent_calls_outlive_the_pings_of_every_kind_of_caller(start, monkeypatch):
    monkeypatch.setattr(jarvis.server.lifecycle, "server_options", lambda n: shortened(server_options(n)))
    monkeypatch.setattr(jarvis.client.channel, "OPTIONS", shortened(jarvis.client.channel.OPTIONS))
    async with start("models.echo.settings.tokens_per_second=5") as running:
        address = running.instance.addresses[0]
        go_and_java, envoy = others(address, without_calls=0), others(address, without_calls=1)
        answers = await asyncio.gather(ours(address), go_and_java, envoy, idle(address))
    assert answers == [SILENCE, SILENCE, SILENCE, "connected"]
