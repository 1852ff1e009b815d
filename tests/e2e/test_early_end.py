"""A server that ends a call before it has read all that its caller sends: the caller is told why."""

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections import Counter

import pytest

from jarvis.client import Document, JarvisClient, JarvisClientError

RUNS = 200
WHY = ("COLLECTION_NOT_FOUND", "no collection 'nowhere'; create it, or list those that exist")


@pytest.fixture(scope="module")
async def address(start):
    async with start() as running:
        yield running.instance.addresses[0]


async def documents():
    for number in range(100):
        yield Document(f"{number}.md", b"word " * 4_000)


async def batches(first):
    yield [first]
    for _ in range(100):
        yield ["word " * 100] * 40


async def reason(stream):
    with pytest.raises(JarvisClientError) as caught:
        async for _ in stream:
            pass
    return caught.value.reason, caught.value.message


async def test_every_ingestion_into_no_collection_says_so(address):
    async with JarvisClient(address) as client:
        found = [await reason(client.retrieval.ingest("nowhere", documents())) for _ in range(RUNS)]
    assert {why: found.count(why) for why in found} == {WHY: RUNS}


async def test_every_stream_of_texts_that_begins_wrong_says_so(address):
    async with JarvisClient(address) as client:
        found = [await reason(client.embed_stream(batches(""))) for _ in range(RUNS)]
    why = ("INVALID_ARGUMENT", "texts[0]: is empty")
    assert {why: found.count(why) for why in found} == {why: RUNS}


BLOCKING = """
import sys
from jarvis.client import BlockingClient, Document, JarvisClientError

documents = [Document(f"{number}.md", b"word " * 4_000) for number in range(100)]
with BlockingClient(sys.argv[1]) as client:
    for _ in range(200):
        try:
            list(client.retrieval.ingest("nowhere", documents))
        except JarvisClientError as error:
            print(error.reason, error.message, sep=": ")
"""


async def test_the_blocking_client_says_so_too(address):
    # In a process of its own: where two event loops share one, grpcio loses a status in about 1,000.
    client = await asyncio.create_subprocess_exec(sys.executable, "-c", BLOCKING, address, stdout=PIPE)
    out, _ = await asyncio.wait_for(client.communicate(), 60)
    assert (client.returncode, Counter(out.decode().splitlines())) == (0, {": ".join(WHY): RUNS})
