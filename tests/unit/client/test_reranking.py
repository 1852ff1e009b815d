import asyncio

import grpc
import pytest

from jarvis.client import BlockingClient, JarvisClient, JarvisClientError, Reranked, ScoredDocument
from jarvis.v1 import embedding_pb2 as pb
from jarvis.v1 import embedding_pb2_grpc


class FakeReranker(embedding_pb2_grpc.EmbeddingServiceServicer):
    def __init__(self):
        self.address = ""
        self.requests = []

    async def Rerank(self, request, context):  # noqa: N802
        self.requests.append(request)
        results = [
            pb.ScoredDocument(index=1, score=0.5, tokens=3, truncated=True, document="b"),
            pb.ScoredDocument(index=0, score=-1, tokens=2),
        ]
        return pb.RerankResponse(model="fake", results=results, tokens=5)


@pytest.fixture
async def fake():
    fake = FakeReranker()
    server = grpc.aio.server()
    embedding_pb2_grpc.add_EmbeddingServiceServicer_to_server(fake, server)
    fake.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    yield fake
    await server.stop(None)


async def test_the_scores_come_with_what_is_told_of_each(fake):
    async with JarvisClient(fake.address) as client:
        ranked = await client.rerank("q", ["a", "b"])
    best = ScoredDocument(1, 0.5, 3, truncated=True, document="b")
    assert ranked == Reranked("fake", (best, ScoredDocument(0, -1.0, 2)), 5)


async def test_what_is_left_out_is_not_sent(fake):
    options = {"model": "m", "top_n": 1, "return_documents": False, "truncate": True}
    async with JarvisClient(fake.address) as client:
        await client.rerank("q", ("a",))
        await client.rerank("q", ["a"], **options)
    bare, full = fake.requests
    assert bare == pb.RerankRequest(query="q", documents=["a"])
    assert full == pb.RerankRequest(query="q", documents=["a"], **options)


@pytest.mark.parametrize(
    ("documents", "options", "complaint"),
    [
        ("a", {}, "documents: is one text; give a list of texts"),
        (["\udc80"], {}, "documents: is not valid Unicode"),
        (["a"], {"top_n": -1}, "top_n: "),
    ],
)
async def test_what_cannot_be_sent_is_refused(fake, documents, options, complaint):
    async with JarvisClient(fake.address) as client:
        with pytest.raises(JarvisClientError, match=complaint):
            await client.rerank("q", documents, **options)
        with pytest.raises(TypeError, match="unknown options: top_k"):
            await client.rerank("q", ["a"], top_k=1)
    assert fake.requests == []


async def test_the_blocking_client_does_the_same(fake):
    def ask():
        with BlockingClient(fake.address) as client:
            return client.rerank("q", ["a", "b"], top_n=2)

    assert (await asyncio.to_thread(ask)).model == "fake"
    assert fake.requests == [pb.RerankRequest(query="q", documents=["a", "b"], top_n=2)]
