"""EmbeddingService over real gRPC, on the stand-in."""

import asyncio

import grpc
import numpy as np
import pytest

from jarvis.v1 import embedding_pb2 as pb
from jarvis.v1 import server_pb2


@pytest.fixture(scope="module")
async def server(start):
    async with start("embedder.name=tiny", "server.max_message_bytes=65536") as running:
        yield running


def matrix(response):
    assert response.data_type == pb.DATA_TYPE_FLOAT32
    rows = [np.frombuffer(one.vector, "<f4") for one in response.embeddings]
    assert {len(row) for row in rows} == {response.dimension}
    return np.stack(rows)


def requests(*batches):
    return [pb.EmbedStreamRequest(texts=batch) for batch in batches]


async def active(server):
    return (await server.server.GetStatus(server_pb2.GetStatusRequest())).active_requests


async def idle(server):
    async with asyncio.timeout(2):
        while await active(server):
            await asyncio.sleep(0.01)


async def test_texts_become_vectors_of_length_1_in_order(server):
    texts = ["the cat sat", "on the mat", "the cat sat down", "the cat sat"]
    response = await server.embedding.Embed(pb.EmbedRequest(texts=texts))
    vectors = matrix(response)
    assert (response.model, response.dimension, len(vectors)) == ("tiny", 64, 4)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1)
    assert np.array_equal(vectors[0], vectors[3])
    near, far = vectors[0] @ vectors[2], vectors[0] @ vectors[1]
    assert near > far
    assert [one.tokens for one in response.embeddings] == [3, 3, 4, 3]
    assert not any(one.truncated for one in response.embeddings)


async def test_what_was_embedded_before_comes_from_the_cache(server):
    first = await server.embedding.Embed(pb.EmbedRequest(texts=["cached one"]))
    again = await server.embedding.Embed(pb.EmbedRequest(texts=["new one", "cached one"]))
    assert [one.cached for one in first.embeddings] == [False]
    assert [one.cached for one in again.embeddings] == [False, True]
    assert again.embeddings[1].vector == first.embeddings[0].vector


async def test_fewer_dimensions(server):
    whole = matrix(await server.embedding.Embed(pb.EmbedRequest(texts=["some words here"])))
    request = pb.EmbedRequest(texts=["some words here"], dimension=48)
    part = matrix(await server.embedding.Embed(request))
    assert np.allclose(part, whole[:, :48] / np.linalg.norm(whole[:, :48]), atol=1e-6)


@pytest.mark.parametrize(
    ("request_", "ends"),
    [
        (pb.EmbedRequest(), ("INVALID_ARGUMENT", "INVALID_ARGUMENT", ["texts"])),
        (pb.EmbedRequest(texts=["a", ""]), ("INVALID_ARGUMENT", "INVALID_ARGUMENT", ["texts[1]"])),
        (pb.EmbedRequest(texts=["a"] * 2049), ("INVALID_ARGUMENT", "INVALID_ARGUMENT", ["texts"])),
        (pb.EmbedRequest(texts=["a"], dimension=0), ("INVALID_ARGUMENT", "INVALID_ARGUMENT", ["dimension"])),
        (pb.EmbedRequest(texts=["a"], dimension=65), ("INVALID_ARGUMENT", "INVALID_ARGUMENT", ["dimension"])),
        (pb.EmbedRequest(texts=["a"], role=9), ("INVALID_ARGUMENT", "INVALID_ARGUMENT", ["role"])),
        (pb.EmbedRequest(texts=["a"], model="other"), ("NOT_FOUND", "MODEL_NOT_FOUND", ["model"])),
        (
            pb.EmbedRequest(texts=["a", "a " * 300]),
            ("INVALID_ARGUMENT", "TEXT_TOO_LONG", ["texts[1]"]),
        ),
    ],
)
async def test_what_is_wrong_is_refused_by_its_field(server, failure, request_, ends):
    assert await failure(server.embedding.Embed(request_)) == (*ends, None)


async def test_more_vectors_than_a_message_holds_are_refused_with_the_numbers(server):
    with pytest.raises(grpc.aio.AioRpcError, match=r"300 vectors of 64 components .* at most 227") as caught:
        await server.embedding.Embed(pb.EmbedRequest(texts=["a"] * 300))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    most = await server.embedding.Embed(pb.EmbedRequest(texts=[f"text {i}" for i in range(227)]))
    assert len(most.embeddings) == 227
    small = await server.embedding.Embed(pb.EmbedRequest(texts=["a b c"] * 300, dimension=32))
    assert len(small.embeddings) == 300


async def test_without_an_embedder_nothing_is_offered(start, failure):
    async with start("embedder.adapter=none", "store.adapter=none") as server:
        code, reason, _, _ = await failure(server.embedding.Embed(pb.EmbedRequest(texts=["a"])))
    assert (code, reason) == ("UNIMPLEMENTED", "NOT_CONFIGURED")


# Streams


async def test_a_stream_answers_every_batch_in_order_and_ends(server):
    batches = [["slow " * 200] * 40, ["a"], ["b", "c"], *([f"d{i}"] for i in range(20))]
    call = server.embedding.EmbedStream(requests(*batches))
    answers = [answer async for answer in call]
    assert [len(answer.embeddings) for answer in answers] == [len(batch) for batch in batches]
    alone = await server.embedding.Embed(pb.EmbedRequest(texts=["d19"]))
    assert answers[-1].embeddings[0].vector == alone.embeddings[0].vector
    assert await call.code() is grpc.StatusCode.OK
    await idle(server)


async def test_a_stream_of_nothing_ends(server):
    assert [answer async for answer in server.embedding.EmbedStream(requests())] == []


async def test_a_stream_goes_on_while_the_caller_waits_for_answers(server):
    call = server.embedding.EmbedStream()
    for text in ("first", "second"):
        await call.write(pb.EmbedStreamRequest(texts=[text]))
        assert len((await call.read()).embeddings) == 1
    await call.done_writing()
    assert await call.read() is grpc.aio.EOF


async def test_the_first_failure_ends_a_stream_after_the_answers_before_it(server):
    call = server.embedding.EmbedStream(requests(["a"], ["b"], [""], ["never"]))
    assert [len((await call.read()).embeddings) for _ in range(2)] == [1, 1]
    with pytest.raises(grpc.aio.AioRpcError, match=r"texts\[0\]: is empty"):
        await call.read()
    await idle(server)


async def test_hanging_up_ends_the_work(server):
    call = server.embedding.EmbedStream()
    await call.write(pb.EmbedStreamRequest(texts=["a"]))
    await call.read()
    assert await active(server) == 1
    for _ in range(20):
        await call.write(pb.EmbedStreamRequest(texts=["many words " * 50] * 100))
    call.cancel()
    await idle(server)
    assert (await server.embedding.Embed(pb.EmbedRequest(texts=["after"]))).embeddings


async def test_a_caller_who_reads_nothing_holds_up_no_one_else(server):
    stuck = server.embedding.EmbedStream(requests(*[[f"{i} {j}" for j in range(200)] for i in range(100)]))
    await stuck.read()
    assert (await server.embedding.Embed(pb.EmbedRequest(texts=["a"]), timeout=5)).embeddings
    stuck.cancel()
    await idle(server)


async def test_abort_ends_a_stream_by_its_id(server, failure):
    call = server.embedding.EmbedStream(metadata=(("x-request-id", "victim"),))
    while not await active(server):
        await asyncio.sleep(0.01)
    assert (await server.server.Abort(server_pb2.AbortRequest(request_id="victim"))).aborted == 1
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call.read()
    assert caught.value.code() is grpc.StatusCode.ABORTED
    await idle(server)
