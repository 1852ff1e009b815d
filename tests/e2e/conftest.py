"""What the tests of retrieval share."""

import pytest

from jarvis.v1 import retrieval_pb2 as pb


@pytest.fixture(scope="module")
def on_disk(tmp_path_factory):
    """Settings of a store that survives, in a folder of its own."""
    folder = tmp_path_factory.mktemp("retrieval")
    return [
        "store.adapter=chroma",
        f'store.settings.path="{folder}/chroma"',
        f'retrieval.text_index="{folder}/texts"',
    ]


@pytest.fixture(scope="module", params=["stand-ins", "real"])
async def server(request, start, on_disk):
    """A server on the stand-ins; and one on the real model with the real store."""
    real = ["embedder.adapter=sentence-transformers", *on_disk]
    async with start(*(real if request.param == "real" else []), ready=False) as running:
        await running.serving(60)
        yield running


@pytest.fixture
async def collection_name(server, request):
    """The name of an empty collection of the test's own."""
    name = f"c-{abs(hash(request.node.name))}"
    await server.retrieval.CreateCollection(pb.CreateCollectionRequest(name=name))
    yield name
    await server.retrieval.DeleteCollection(pb.DeleteCollectionRequest(name=name))


async def messages(collection, documents, prune, start):
    yield pb.IngestRequest(start=pb.IngestStart(collection=collection, **start))
    for source, data in documents:
        yield pb.IngestRequest(document=pb.IngestDocument(source=source))
        for at in range(0, len(data), 100_000):
            yield pb.IngestRequest(data=data[at : at + 100_000])
    if prune is not None:
        yield pb.IngestRequest(prune=pb.IngestPrune(prefixes=prune))


@pytest.fixture(scope="session")
def send():
    """Begin an ingestion of (source, bytes) pairs; gives the call."""

    def send(peer, collection, documents, prune=None, **start):
        return peer.retrieval.Ingest(messages(collection, documents, prune, start))

    return send


@pytest.fixture(scope="session")
def ingest(send):
    """Ingest (source, bytes) pairs: gives {source: result} and the end."""

    async def ingest(peer, collection, documents, prune=None, **start):
        responses = [response async for response in send(peer, collection, documents, prune, **start)]
        assert responses[-1].WhichOneof("event") == "finished"
        return {r.document.source: r.document for r in responses[:-1]}, responses[-1].finished

    return ingest
