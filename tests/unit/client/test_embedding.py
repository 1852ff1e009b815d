import asyncio
from contextlib import aclosing

import grpc
import numpy as np
import pytest
from google.protobuf import any_pb2
from google.rpc import status_pb2

from jarvis.client import BlockingClient, JarvisClient, JarvisClientError, TextRole
from jarvis.client.embedding import embeddings
from jarvis.v1 import embedding_pb2 as pb
from jarvis.v1 import embedding_pb2_grpc


class FakeEmbedding(embedding_pb2_grpc.EmbeddingServiceServicer):
    """Embeds a text as its length and its position."""

    def __init__(self):
        self.address = ""
        self.requests = []
        self.metadata = []
        self.loading = 0
        self.hanging = asyncio.Event()
        self.left = asyncio.Event()

    async def Embed(self, request, context):  # noqa: N802
        self.metadata.append(dict(context.invocation_metadata()))
        if self.loading:
            self.loading -= 1
            await context.abort(grpc.StatusCode.UNAVAILABLE, "loading", self.retry_at_once)
        return self.answer(pb.EmbedResponse, request)

    async def EmbedStream(self, requests, context):  # noqa: N802
        try:
            async for request in requests:
                if "hang" in request.texts:
                    self.hanging.set()
                    await asyncio.sleep(60)
                if "fail" in request.texts:
                    await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "texts[0]: no")
                yield self.answer(pb.EmbedStreamResponse, request)
        finally:
            self.left.set()

    def answer(self, kind, request):
        self.requests.append(request)
        return kind(
            model="fake",
            dimension=2,
            data_type=pb.DATA_TYPE_FLOAT32,
            embeddings=[
                pb.Embedding(
                    vector=np.array([len(text), i], "<f4").tobytes(),
                    tokens=len(text),
                    truncated=len(text) > 5,
                    cached=i > 0,
                )
                for i, text in enumerate(request.texts)
            ],
        )


@pytest.fixture
async def fake(retry_status):
    fake = FakeEmbedding()
    fake.retry_at_once = retry_status
    server = grpc.aio.server()
    embedding_pb2_grpc.add_EmbeddingServiceServicer_to_server(fake, server)
    fake.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    yield fake
    await server.stop(None)


@pytest.fixture
def retry_status(retry_after):
    detail = any_pb2.Any()
    detail.Pack(retry_after(0.01))
    status = status_pb2.Status(code=14, message="loading", details=[detail])
    return (("grpc-status-details-bin", status.SerializeToString()),)


async def test_vectors_are_a_matrix_with_the_facts_of_each_text(fake):
    async with JarvisClient(fake.address) as client:
        found = await client.embed(["one", "longer"])
    assert found.model == "fake"
    assert found.vectors.dtype == np.float32
    assert found.vectors.tolist() == [[3, 0], [6, 1]]
    assert (found.tokens, found.truncated, found.cached) == ((3, 6), (False, True), (False, True))


async def test_what_is_left_out_is_not_sent(fake):
    async with JarvisClient(fake.address) as client:
        await client.embed(["x"])
        await client.embed(["x"], role="query", dimension=1, truncate=False, model="m", request_id="mine")
        await client.embed(["x"], role=TextRole.QUERY)
    bare, full, enum = fake.requests
    assert bare == pb.EmbedRequest(texts=["x"], role=pb.TEXT_ROLE_DOCUMENT)
    assert full == pb.EmbedRequest(
        texts=["x"], role=pb.TEXT_ROLE_QUERY, dimension=1, truncate=False, model="m"
    )
    assert enum.role == pb.TEXT_ROLE_QUERY
    assert fake.metadata[1]["x-request-id"] == "mine"


@pytest.mark.parametrize(
    ("texts", "options", "complaint"),
    [
        ("hello", {}, "texts: is one text; give a list of texts"),
        (["x"], {"role": "passage"}, "role: 'passage' is not one of query, document"),
        (["x"], {"dimension": -1}, "dimension: "),
        (["\udc80"], {}, "texts: is not valid Unicode"),
        ([1], {}, "texts: "),
    ],
)
async def test_what_cannot_be_sent_is_refused(fake, texts, options, complaint):
    async with JarvisClient(fake.address) as client:
        with pytest.raises(JarvisClientError, match=complaint) as caught:
            await client.embed(texts, **options)
    assert caught.value.code is grpc.StatusCode.INVALID_ARGUMENT
    assert fake.requests == []


async def test_a_model_that_loads_is_asked_again(fake):
    fake.loading = 2
    async with JarvisClient(fake.address) as client:
        assert len((await client.embed(["x"])).vectors) == 1


async def test_vectors_that_do_not_fit_their_dimension_are_an_error():
    short = pb.EmbedResponse(
        dimension=2, data_type=pb.DATA_TYPE_FLOAT32, embeddings=[pb.Embedding(vector=b"1234")]
    )
    with pytest.raises(JarvisClientError, match="not 2 long"):
        embeddings(short)


async def batches(*more):
    yield ["a"]
    yield ["bb", "cc"]
    for batch in more:
        yield batch


@pytest.mark.parametrize("given", [batches, lambda: [["a"], ("bb", "cc")]])
async def test_a_stream_answers_each_batch(fake, given):
    async with JarvisClient(fake.address) as client:
        found = [one.tokens async for one in client.embed_stream(given(), role="query")]
    assert found == [(1,), (2, 2)]
    assert {request.role for request in fake.requests} == {pb.TEXT_ROLE_QUERY}


async def test_a_failure_comes_after_the_answers_before_it(fake):
    async with JarvisClient(fake.address) as client:
        stream = client.embed_stream(batches(["fail"], ["never"]))
        assert [(await anext(stream)).tokens for _ in range(2)] == [(1,), (2, 2)]
        with pytest.raises(JarvisClientError, match=r"texts\[0\]: no"):
            await anext(stream)


async def test_a_batch_that_cannot_be_sent_ends_the_stream(fake):
    async with JarvisClient(fake.address) as client:
        with pytest.raises(JarvisClientError, match="texts: is one text"):
            async for _ in client.embed_stream(["ab"]):
                pass


async def test_leaving_the_stream_cancels_it(fake):
    async with (
        JarvisClient(fake.address) as client,
        aclosing(client.embed_stream(batches(["hang"]))) as stream,
    ):
        await anext(stream)
        await fake.hanging.wait()
    await asyncio.wait_for(fake.left.wait(), 5)


async def test_without_an_event_loop(fake):
    def use():
        with BlockingClient(fake.address) as client:
            assert client.embed(["abc"], dimension=1).tokens == (3,)
            streamed = client.embed_stream(iter([["a"], ["bb"]]))
            return [one.tokens for one in streamed]

    assert await asyncio.to_thread(use) == [(1,), (2,)]


async def test_batches_may_ask_the_same_blocking_client(fake):
    def use():
        with BlockingClient(fake.address) as client:
            asking = (["x" * client.embed(["abc"]).tokens[0]] for _ in range(2))
            return [one.tokens for one in client.embed_stream(asking)]

    assert await asyncio.wait_for(asyncio.to_thread(use), 10) == [(3,), (3,)]
