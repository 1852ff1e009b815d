"""The code that is measured and logged is the code that the caller gets."""

import asyncio
import logging

import grpc
import pytest

from jarvis.client import JarvisClient, JarvisClientError
from jarvis.v1 import embedding_pb2, retrieval_pb2
from jarvis.v1 import generation_pb2 as pb

LIMIT = 65536
SEARCH = "jarvis.v1.RetrievalService/Search"
GENERATE = "jarvis.v1.GenerationService/Generate"
STREAM = "jarvis.v1.GenerationService/GenerateStream"


@pytest.fixture(scope="module")
async def server(start):
    slow = ["models.slow.adapter=echo", "models.slow.settings.tokens_per_second=20", "default_route=echo"]
    async with start(f"server.max_message_bytes={LIMIT}", *slow) as running:
        name = retrieval_pb2.CreateCollectionRequest(name="long")
        await running.retrieval.CreateCollection(name)
        for batch in range(4):
            rows = [
                retrieval_pb2.Row(id=f"{batch}-{n}", text=f"word {batch}-{n} " + "x" * 5000 * (n < 10))
                for n in range(11)
            ]
            await running.retrieval.Upsert(retrieval_pb2.UpsertRequest(collection="long", rows=rows))
        yield running


@pytest.fixture
def logged(caplog):
    """Wait for the line about a call of a method; gives its code and its reason."""
    caplog.set_level(logging.INFO, "jarvis")

    async def read(method):
        async with asyncio.timeout(10):
            while True:
                lines = [vars(record) for record in caplog.records if getattr(record, "method", "") == method]
                if lines:
                    caplog.clear()
                    (line,) = lines
                    return line["code"], line.get("reason")
                await asyncio.sleep(0.01)

    return read


def search(top_k):
    return retrieval_pb2.SearchRequest(collection="long", text="word", top_k=top_k)


async def test_hits_that_fit_no_message_are_refused_with_the_number_that_does(server, failure, logged):
    assert len((await server.retrieval.Search(search(10))).hits) == 10
    assert await logged(SEARCH) == ("OK", None)
    call = server.retrieval.Search(search(1000))
    assert await failure(call) == ("INVALID_ARGUMENT", "MESSAGE_TOO_LARGE", ["top_k"], None)
    assert await logged(SEARCH) == ("INVALID_ARGUMENT", "MESSAGE_TOO_LARGE")
    with pytest.raises(
        grpc.aio.AioRpcError, match=r"44 hits have 2\d{5} bytes.*ask for at most \d+"
    ) as caught:
        await server.retrieval.Search(search(1000))
    fit = int(caught.value.details().rpartition(" ")[2])
    assert len((await server.retrieval.Search(search(fit))).hits) == fit
    with pytest.raises(grpc.aio.AioRpcError):
        await server.retrieval.Search(search(fit + 1))


async def test_an_answer_that_fits_no_message_is_refused_and_measured_so(server, failure, logged):
    sampling = pb.SamplingParams(n=64, ignore_eos=True, max_tokens=500)
    request = pb.GenerateRequest(prompt="word " * 100, sampling=sampling, return_token_ids=True)
    code, reason, _, retry = await failure(server.generation.Generate(request))
    assert (code, reason, retry) == ("INVALID_ARGUMENT", "MESSAGE_TOO_LARGE", None)
    assert await logged(GENERATE) == (code, reason)


async def test_an_answer_that_will_fit_no_message_is_not_waited_for(server, failure):
    sampling = pb.SamplingParams(n=64, ignore_eos=True, max_tokens=2000)
    request = pb.GenerateRequest(model="slow", prompt="long" * 25, sampling=sampling)
    code, reason, _, _ = await failure(server.generation.Generate(request, timeout=20))
    assert (code, reason) == ("INVALID_ARGUMENT", "MESSAGE_TOO_LARGE")


@pytest.mark.parametrize("size", [LIMIT, 10 * LIMIT])
async def test_a_request_that_is_too_large_is_told_so_by_us(server, failure, logged, size):
    call = server.generation.Generate(pb.GenerateRequest(prompt="a" * size))
    assert await failure(call) == ("INVALID_ARGUMENT", "MESSAGE_TOO_LARGE", [""], None)
    assert await logged(GENERATE) == ("INVALID_ARGUMENT", "MESSAGE_TOO_LARGE")
    assert (await server.generation.Generate(pb.GenerateRequest(prompt="a"))).choices


@pytest.mark.parametrize("texts", [["a" * LIMIT], [""] * 10_001])
async def test_a_message_of_a_stream_that_is_too_large_is_told_so_by_us(server, failure, texts):
    async def requests():
        yield embedding_pb2.EmbedStreamRequest(texts=texts)

    call = server.embedding.EmbedStream(requests())
    assert (await failure(call))[:2] == ("INVALID_ARGUMENT", "MESSAGE_TOO_LARGE")


async def test_a_request_of_many_empty_items_is_refused_before_they_are_read(server, failure, logged):
    message = pb.Message(role=pb.ROLE_USER, parts=[pb.ContentPart()] * 10_000)
    call = server.generation.Generate(pb.GenerateRequest(messages=[message]))
    assert await failure(call) == ("INVALID_ARGUMENT", "MESSAGE_TOO_LARGE", [""], None)
    assert await logged(GENERATE) == ("INVALID_ARGUMENT", "MESSAGE_TOO_LARGE")


@pytest.mark.parametrize("size", [2 * LIMIT, 20 * LIMIT], ids=["refused by us", "refused by gRPC"])
async def test_the_client_tells_a_large_request_from_a_busy_server(server, size):
    async with JarvisClient(server.instance.addresses[0]) as client:
        with pytest.raises(JarvisClientError) as caught:
            await client.generate("a" * size)
    assert (caught.value.reason, caught.value.retry_after) == ("MESSAGE_TOO_LARGE", None)
    assert str(LIMIT) in caught.value.message or str(16 * LIMIT) in caught.value.message
