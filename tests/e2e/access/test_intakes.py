"""More than can be taken on of what goes to no model: of embedding, search, and changes of collections."""

import asyncio
from itertools import count

import grpc
import pytest

from jarvis.access import keys
from jarvis.core.principal import Role
from jarvis.v1 import embedding_pb2 as embedding
from jarvis.v1 import generation_pb2 as generation
from jarvis.v1 import retrieval_pb2 as retrieval
from jarvis_adapters.hashing.overlap import Overlap
from jarvis_plugins.registry import PortName

SECONDS = 0.05
"""How long a batch of the embedder takes."""


@pytest.fixture
async def server(start, file, monkeypatch):
    bounds = ["embedder.max_running=1", "embedder.max_requests=8", "retrieval.max_running=1"]
    bounds += ["reranker.adapter=overlap", "reranker.max_running=1", "reranker.max_requests=8"]
    changes = ("retrieval.max_changes=1", 'callers.bounded={roles=["infer"], max_requests=1}')
    async with start(f'auth.keys="{file}"', "cache=[]", *bounds, *changes) as running:
        embedder = type(running.application.components.one(PortName.EMBEDDER).port)
        embed = embedder.embed

        async def slow(self, texts, role):
            await asyncio.sleep(SECONDS)
            return await embed(self, texts, role)

        async def slow_score(self, query, documents):
            await asyncio.sleep(SECONDS)
            return [1.0] * len(documents)

        monkeypatch.setattr(embedder, "embed", slow)
        monkeypatch.setattr(Overlap, "score", slow_score)
        yield running


@pytest.fixture
def metadata_of(file):
    """Give the metadata of a caller."""
    shown = {}

    def metadata_of(caller):
        if caller not in shown:
            _, shown[caller] = keys.add(file, caller, [Role.INFER, Role.WRITE], None)
        return (("authorization", f"Bearer {shown[caller]}"),)

    return metadata_of


@pytest.fixture
async def asks(server, metadata_of):
    """Give what a caller may ask for: each time another text, of the embedder alone, or of a collection."""
    wanted = retrieval.CreateCollectionRequest(name="texts")
    await server.retrieval.CreateCollection(wanted, metadata=metadata_of("writer"))
    new = map("text {}".format, count())

    def embed(caller, timeout=10):
        request = embedding.EmbedRequest(texts=[next(new)])
        return server.embedding.Embed(request, timeout=timeout, metadata=metadata_of(caller))

    def search(caller, timeout=10):
        request = retrieval.SearchRequest(collection="texts", text=next(new), rerank=False)
        return server.retrieval.Search(request, timeout=timeout, metadata=metadata_of(caller))

    def rerank(caller, timeout=10):
        request = embedding.RerankRequest(query=next(new), documents=["a"])
        return server.embedding.Rerank(request, timeout=timeout, metadata=metadata_of(caller))

    return {"embed": embed, "search": search, "rerank": rerank}


@pytest.fixture(params=["embed", "search", "rerank"])
def ask(request, asks):
    return asks[request.param]


async def test_a_greedy_caller_does_not_hold_up_another(ask):
    ended = []

    async def one(caller):
        await ask(caller)
        ended.append(caller)

    async with asyncio.TaskGroup() as tasks:
        for caller in ["greedy"] * 6 + ["other"] * 2:
            tasks.create_task(one(caller))
            await asyncio.sleep(0.001)
    assert ended.index("other") <= 2
    assert ended[-3:] == ["greedy"] * 3


@pytest.mark.parametrize("what", ["embed", "rerank"])
async def test_who_finds_no_room_is_told_when_there_will_be_some(asks, failure, what):
    calls = [asks[what]("greedy") for _ in range(20)]
    refused = [call for call in calls if await call.code() is not grpc.StatusCode.OK]
    assert 8 < len(refused) <= 12
    code, reason, _, retry = await failure(refused[-1])
    assert (code, reason) == ("RESOURCE_EXHAUSTED", "OVERLOADED")
    assert retry > 0


async def test_a_deadline_that_cannot_be_kept_is_refused_at_once(ask, failure):
    await asyncio.gather(*(ask("greedy") for _ in range(5)))
    calls = [ask("greedy") for _ in range(5)]
    await asyncio.sleep(SECONDS / 5)
    assert (await failure(ask("greedy", timeout=SECONDS * 2)))[:2] == (
        "RESOURCE_EXHAUSTED",
        "DEADLINE_TOO_SHORT",
    )
    await asyncio.gather(*calls)


async def test_a_change_beyond_as_many_as_may_is_refused(server, asks, metadata_of, failure):
    ingest = server.retrieval.Ingest(metadata=metadata_of("a"))
    await ingest.write(retrieval.IngestRequest(start=retrieval.IngestStart(collection="texts")))
    await asyncio.sleep(SECONDS)
    request = retrieval.UpsertRequest(collection="texts", rows=[retrieval.Row(id="a", text="b")])

    def upsert():
        return server.retrieval.Upsert(request, metadata=metadata_of("b"))

    code, reason, _, retry = await failure(upsert())
    assert (code, reason) == ("RESOURCE_EXHAUSTED", "OVERLOADED")
    assert retry > 0
    await asks["search"]("b")
    await ingest.done_writing()
    assert [message async for message in ingest]
    assert (await upsert()).upserted == 1


async def test_who_sends_nothing_more_does_not_keep_its_place(
    server, asks, metadata_of, failure, monkeypatch
):
    monkeypatch.setattr("jarvis.server.caller.SILENT_SECONDS", SECONDS)
    ingest = server.retrieval.Ingest(metadata=metadata_of("a"))
    await ingest.write(retrieval.IngestRequest(start=retrieval.IngestStart(collection="texts")))
    assert (await failure(ingest.read()))[:2] == ("ABORTED", "SILENT_CALLER")
    request = retrieval.DeleteRequest(collection="texts", ids=["a"])
    assert not (await server.retrieval.Delete(request, metadata=metadata_of("b"))).deleted


async def test_what_a_caller_has_anywhere_counts_for_it(server, asks, metadata_of, failure):
    first = asyncio.ensure_future(asks["embed"]("bounded"))
    await asyncio.sleep(SECONDS / 5)
    request = generation.CountTokensRequest(prompt="a b")
    tokens = (
        server.generation.CountTokens(request, metadata=metadata_of("bounded")),
        server.generation.Tokenize(generation.TokenizeRequest(prompt="a b"), metadata=metadata_of("bounded")),
        server.generation.Detokenize(
            generation.DetokenizeRequest(token_ids=[1]), metadata=metadata_of("bounded")
        ),
    )
    for call in tokens:
        assert (await failure(call))[:2] == ("RESOURCE_EXHAUSTED", "OVERLOADED")
    await first
    assert (await server.generation.CountTokens(request, metadata=metadata_of("bounded"))).tokens
