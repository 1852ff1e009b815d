"""Retrieval by the client, on a server with the stand-ins."""

import asyncio

import grpc
import numpy as np
import pytest

from jarvis.client import (
    And,
    BlockingClient,
    Diagnosis,
    Document,
    Equals,
    Exists,
    In,
    IndexSettings,
    IngestFinished,
    JarvisClient,
    JarvisClientError,
    Not,
    Or,
    Outcome,
    Progress,
    Range,
    Row,
    SearchMode,
    Space,
    StoredDocument,
    parse_filter,
)
from jarvis.client.calls import Calls
from jarvis.client.retrieval import RetrievalClient
from jarvis.core.violations import Violations
from jarvis.v1 import retrieval_pb2 as pb
from jarvis.v1 import retrieval_pb2_grpc
from jarvis.wire.filters import FILTER

FILTERS = [
    Equals("lang", "es"),
    In("n", (1, 2.5, True, "x")),
    Range("year", gt=0.0, lte=2020.0),
    Exists("x"),
    And((Exists("a"), Or((Not(Exists("b")), Equals("c", False))))),
]


@pytest.fixture(scope="module")
async def server(start):
    async with start() as running:
        yield running.instance.addresses[0]


@pytest.fixture
async def retrieval(server):
    async with JarvisClient(server) as client:
        yield client.retrieval
        for collection in await client.retrieval.collections():
            await client.retrieval.delete_collection(collection.name)


@pytest.mark.parametrize("passing", FILTERS)
def test_the_server_reads_the_filter_that_was_meant(passing):
    violations = Violations()
    assert FILTER.read(FILTER.write(passing, "filter"), "filter", violations.blame) == passing
    violations.refuse()


def test_a_filter_is_read_from_the_json_of_the_contract():
    text = """{"allOf": {"clauses": [
        {"any_of": {"clauses": [{"exists": "a"}]}},
        {"negation": {"equals": {"field": "b", "value": {"int_value": "3"}}}},
        {"one_of": {"field": "c", "values": [{"string_value": ""}, {"bool_value": true}]}},
        {"range": {"field": "d", "gte": 0}}]}}"""
    assert parse_filter(text) == And(
        (Or((Exists("a"),)), Not(Equals("b", 3)), In("c", ("", True)), Range("d", gte=0.0))
    )
    for wrong in ("{", '{"nothing": 1}', "{}", '{"equals": {"field": "x"}}'):
        with pytest.raises(JarvisClientError, match="filter: "):
            parse_filter(wrong)


async def test_a_collection_from_its_making_to_its_end(retrieval):
    made = await retrieval.create_collection("docs", space="l2", ef_search=50)
    assert (made.index, made.rows, made.mismatch) == (IndexSettings(Space.L2, ef_search=50), 0, "")
    assert await retrieval.collections() == [made] == [await retrieval.get_collection("docs")]
    assert await retrieval.upsert("docs", [Row("a", "red house", {"n": 1}), Row("b", "blue")]) == 2
    done = [event async for event in retrieval.rebuild("docs", ef_search=60)]
    assert done[-1] == Progress(2, 2)
    *_, diagnosis = [event async for event in retrieval.check("docs")]
    assert diagnosis == Diagnosis(True, 2, 0, (), {"store": 2, "sparse": 2})
    assert (await retrieval.get_collection("docs")).index.ef_search == 60
    assert await retrieval.delete("docs", filter=Exists("n"), dry_run=True) == 1
    assert await retrieval.delete("docs", ids=["a", "x"]) == 1
    assert await retrieval.delete_collection("docs") == 1


async def test_rows_are_found_by_text_and_by_vector(retrieval):
    await retrieval.create_collection("docs")
    vector = [1.0] + [0.0] * 63
    await retrieval.upsert(
        "docs", [Row("a", "red house", {"n": 1}), Row("b", "blue")], vectors=[None, vector]
    )
    found = await retrieval.search("docs", "red house", top_k=1)
    assert (found.mode, found.hits[0].id, found.hits[0].metadata) == (SearchMode.HYBRID, "a", {"n": 1})
    assert (found.hits[0].dense_rank, found.hits[0].sparse_rank, found.hits[0].source) == (1, 1, None)
    nearest = await retrieval.search("docs", np.array(vector), top_k=1)
    assert (nearest.mode, nearest.hits[0].id) == (SearchMode.DENSE, "b")
    words = await retrieval.search("docs", "red", mode="sparse", filter=Equals("n", 1))
    assert [hit.similarity for hit in words.hits] == [None]


async def test_what_cannot_be_sent_is_blamed(retrieval):
    for call, field in (
        (retrieval.search("docs", "x", mode="fuzzy"), "mode"),
        (retrieval.search("docs", [[1.0]]), "vector"),
        (retrieval.search("docs", ["x"]), "vector"),
        (retrieval.search("docs", "x", filter=Equals("f", 2**63)), "filter.equals.value"),
        (retrieval.upsert("docs", [Row("a", "x", {"n": None})]), "rows[0].metadata[n]"),
        (retrieval.upsert("docs", [Row("a", "\ud800")]), "rows[0].text"),
        (retrieval.upsert("docs", [Row("a", "x")], vectors=[]), "vectors"),
        (retrieval.create_collection("docs", space="round"), "index.space"),
    ):
        with pytest.raises(JarvisClientError) as caught:
            await call
        assert [violation.field for violation in caught.value.violations] == [field]
    with pytest.raises(TypeError, match="unknown options: ef"):
        await retrieval.create_collection("docs", ef=1)


async def test_documents_are_ingested_from_any_iterable(retrieval):
    await retrieval.create_collection("docs")

    async def documents():
        yield Document("/d/a.md", b"alpha", metadata={"lang": "en"})
        yield Document("/d/b.txt", b"word " * 200_000, id="b")
        yield Document("/d/c", b"\0\1\2\3")

    results = [result async for result in retrieval.ingest("docs", documents(), chunk_tokens=256)]
    assert [(r.id, r.outcome) for r in results[:-1]] == [
        ("/d/a.md", Outcome.ADDED),
        ("b", Outcome.ADDED),
        ("/d/c", Outcome.FAILED),
    ]
    assert results[2].message
    assert (results[-1].added, results[-1].failed) == (2, 1)
    again = [r async for r in retrieval.ingest("docs", [Document("/d/a.md", b"new")], prune=["/d/"])]
    assert [r.outcome for r in again[:-1]] == [Outcome.CHANGED, Outcome.PRUNED]
    assert isinstance(again[-1], IngestFinished)


async def test_a_document_with_a_fault_fails_alone(retrieval):
    await retrieval.create_collection("docs")
    documents = [
        Document("a.md", b"alpha"),
        Document("", b"no source"),
        Document("\udcff.md", b"no Unicode"),
        Document("b.md", b"beta", metadata={"n": 2**63}),
        Document("c.md", b"gamma", failure="Permission denied"),
        Document("d.md", b"delta"),
    ]
    *results, finished = [result async for result in retrieval.ingest("docs", documents)]
    assert [(result.source, result.outcome) for result in results] == [
        ("a.md", Outcome.ADDED),
        ("", Outcome.FAILED),
        ("\\udcff.md", Outcome.FAILED),
        ("b.md", Outcome.FAILED),
        ("c.md", Outcome.FAILED),
        ("d.md", Outcome.ADDED),
    ]
    told = [result.message for result in results]
    assert "document.source" in told[1]
    assert "is not valid Unicode" in told[2]
    assert "document.metadata[n]" in told[3]
    assert told[4] == "Permission denied"
    assert (finished.added, finished.failed) == (2, 4)


async def test_documents_are_listed_and_deleted(retrieval):
    await retrieval.create_collection("docs")
    documents = [Document(f"/d/{n:03}.md", b"alpha") for n in range(210)]
    assert (await retrieval.get_collection("docs")).max_document_bytes > 0
    async for _ in retrieval.ingest("docs", [*documents, Document("/e/a.md", b"beta", id="e")]):
        pass
    listed = [document async for document in retrieval.documents("docs", ["/d/"])]
    assert listed == [StoredDocument(document.source, document.source, 1) for document in documents]
    assert await retrieval.delete_documents("docs", ["/d/000.md", "e", "none"]) == 2
    assert len([document async for document in retrieval.documents("docs")]) == 209
    with pytest.raises(JarvisClientError, match="no collection 'none'"):
        await anext(retrieval.documents("none"))


async def test_what_the_documents_raise_reaches_the_caller(retrieval):
    await retrieval.create_collection("docs")

    def documents():
        yield Document("a.md", b"alpha")
        msg = "the disk is gone"
        raise OSError(msg)

    with pytest.raises(OSError, match="the disk is gone"):
        async for _ in retrieval.ingest("docs", documents()):
            pass


async def test_leaving_the_loop_ends_the_stream(retrieval):
    await retrieval.create_collection("docs")
    taken = []

    def documents():
        for n in range(10_000):
            taken.append(n)
            yield Document(f"{n}.md", b"alpha")

    stream = retrieval.ingest("docs", documents())
    async for _ in stream:
        break
    await stream.aclose()
    before = len(taken)
    await asyncio.sleep(0.2)
    assert len(taken) == before < 10_000


class Unfinished(retrieval_pb2_grpc.RetrievalServiceServicer):
    async def Ingest(self, request_iterator, context):  # noqa: N802
        yield pb.IngestResponse(document=pb.IngestedDocument(id="a", outcome=pb.INGEST_OUTCOME_ADDED))


async def unread():
    for number in range(50):
        yield Document(f"{number}.md", b"alpha " * 5000)


async def test_a_stream_without_its_end_is_no_success():
    server = grpc.aio.server()
    retrieval_pb2_grpc.add_RetrievalServiceServicer_to_server(Unfinished(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        retrieval = RetrievalClient(channel, Calls(channel, "", None, timeout=5, attempts=1))
        for documents in [[], *(unread() for _ in range(100))]:
            with pytest.raises(JarvisClientError) as caught:
                async for _ in retrieval.ingest("docs", documents):
                    pass
            assert caught.value.reason == "INCOMPLETE_STREAM"
    await server.stop(None)


async def test_the_blocking_client_does_the_same(server, retrieval):
    def use() -> None:
        with BlockingClient(server) as client:
            client.retrieval.create_collection("docs")
            *results, finished = client.retrieval.ingest("docs", [Document("a.md", b"alpha beta")])
            assert (results[0].outcome, finished.added) == (Outcome.ADDED, 1)
            assert client.retrieval.search("docs", "alpha").hits[0].source.source == "a.md"
            *_, diagnosis = client.retrieval.check("docs")
            assert diagnosis.ok

    await asyncio.to_thread(use)
