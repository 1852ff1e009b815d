"""EmbeddingService over real gRPC, on the real model and the real cache on disk."""

import asyncio

import grpc
import numpy as np
import pytest

from jarvis.v1 import embedding_pb2 as pb

QUESTION = "What is the capital of France?"
PASSAGES = [
    "Paris has been the capital of France for most of its history.",
    "The mitochondrion makes most of the cell's energy.",
]


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cache")
    return (
        "embedder.adapter=sentence-transformers",
        f'cache=[{{adapter="memory"}}, {{adapter="diskcache", settings={{path="{folder}"}}}}]',
    )


@pytest.fixture(scope="module")
async def server(start, sets):
    async with start(*sets, ready=False) as running:
        await running.serving(60)
        yield running


def matrix(response):
    return np.stack([np.frombuffer(one.vector, "<f4") for one in response.embeddings])


async def embed(server, *texts, **fields):
    return await server.embedding.Embed(pb.EmbedRequest(texts=texts, **fields), timeout=60)


async def test_a_question_is_nearest_to_the_passage_that_answers_it(server):
    passages = await embed(server, *PASSAGES)
    question = await embed(server, QUESTION, role=pb.TEXT_ROLE_QUERY)
    assert (passages.model, passages.dimension) == ("all-minilm-l6-v2", 384)
    right, wrong = matrix(passages) @ matrix(question)[0]
    assert right > 0.6
    assert wrong < 0.2


async def test_callers_who_share_batches_get_what_they_would_get_alone(server):
    texts = [f"{QUESTION} {'And why is that so? ' * i}" for i in range(32)]
    together = await asyncio.gather(*(embed(server, text) for text in texts))
    # Under another role the texts are not cached; this model embeds both roles alike.
    alone = [await embed(server, text, role=pb.TEXT_ROLE_QUERY) for text in texts[::8]]
    for one, other in zip(together[::8], alone, strict=True):
        assert not other.embeddings[0].cached
        assert matrix(one)[0] @ matrix(other)[0] > 0.9995


async def test_a_text_of_100_000_tokens_is_refused_or_cut(server):
    text = "word " * 100_000
    refused = r"texts\[1\]: the text has 100002 tokens, and the model reads 256"
    with pytest.raises(grpc.aio.AioRpcError, match=refused) as caught:
        await embed(server, "short", text)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT

    cut = (await embed(server, text, truncate=True)).embeddings[0]
    assert (cut.tokens, cut.truncated) == (100_002, True)
    same = (await embed(server, "word " * 400, truncate=True)).embeddings[0]
    assert np.frombuffer(cut.vector, "<f4") @ np.frombuffer(same.vector, "<f4") > 0.9999


async def test_vectors_outlive_the_server(start, sets):
    async with start(*sets, ready=False) as server:
        await server.serving(60)
        first = await embed(server, "kept across a restart")
    async with start(*sets, ready=False) as server:
        await server.serving(60)
        again = await embed(server, "kept across a restart", "new")
    assert [one.cached for one in again.embeddings] == [True, False]
    assert again.embeddings[0].vector == first.embeddings[0].vector
