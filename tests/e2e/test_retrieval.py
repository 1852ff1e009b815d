"""RetrievalService over real gRPC: the same on the stand-ins, and on the real model with the real store."""

import asyncio

import numpy as np
import pytest

from jarvis.v1 import retrieval_pb2 as pb

TEXTS = {
    "paris": "Paris has been the capital of France for most of its history.",
    "cell": "The mitochondrion makes most of the energy of a cell.",
    "madrid": "Madrid es la capital de España.",
}
QUESTION = "What is the capital of France?"


@pytest.fixture
async def name(server, collection_name):
    """A collection of its own with the three texts; its name."""
    rows = [
        pb.Row(id=id_, text=text, metadata={"lang": pb.Value(string_value="es" if id_ == "madrid" else "en")})
        for id_, text in TEXTS.items()
    ]
    await server.retrieval.Upsert(pb.UpsertRequest(collection=collection_name, rows=rows))
    return collection_name


@pytest.fixture
def search(server, name):
    async def search(text=QUESTION, **fields):
        what = fields if "vector" in fields else {"text": text, **fields}
        return await server.retrieval.Search(pb.SearchRequest(collection=name, **what))

    return search


def english():
    return pb.Filter(equals=pb.EqualsFilter(field="lang", value=pb.Value(string_value="en")))


def ids(response):
    return [hit.id for hit in response.hits]


@pytest.mark.parametrize("mode", ["DENSE", "SPARSE", "HYBRID"])
async def test_the_passage_that_answers_is_found_first(search, mode):
    response = await search(mode=f"SEARCH_MODE_{mode}")
    assert ids(response)[0] == "paris"
    assert response.mode == pb.SearchMode.Value(f"SEARCH_MODE_{mode}")
    best = response.hits[0]
    assert best.text == TEXTS["paris"]
    assert best.metadata["lang"].string_value == "en"
    assert best.HasField("similarity") == (mode != "SPARSE")


async def test_filters_and_bounds(search):
    assert set(ids(await search(filter=english()))) == {"paris", "cell"}
    both = await search(filter=pb.Filter(negation=english()), top_k=1)
    assert ids(both) == ["madrid"]
    assert ids(await search(min_similarity=0.999)) == []


async def test_a_vector_is_searched_by_vector(server, name, search):
    dimension = (await collection(server, name)).dimension
    vector = np.eye(dimension, dtype="<f4")[3]
    row = pb.Row(id="mine", text="x", vector=vector.tobytes())
    await server.retrieval.Upsert(pb.UpsertRequest(collection=name, rows=[row]))
    response = await search(vector=vector.tobytes(), top_k=1)
    assert (ids(response), response.mode) == (["mine"], pb.SEARCH_MODE_DENSE)
    assert response.hits[0].similarity == pytest.approx(1, abs=1e-4)


async def collection(server, name):
    response = await server.retrieval.GetCollection(pb.GetCollectionRequest(name=name))
    return response.collection


async def test_what_is_deleted_is_not_found(server, name, search):
    delete = server.retrieval.Delete
    counted = await delete(pb.DeleteRequest(collection=name, filter=english(), dry_run=True))
    assert (counted.deleted, (await collection(server, name)).rows) == (2, 3)
    assert (await delete(pb.DeleteRequest(collection=name, ids=["paris", "nobody"]))).deleted == 1
    for mode in ("DENSE", "SPARSE", "HYBRID"):
        assert "paris" not in ids(await search(mode=f"SEARCH_MODE_{mode}"))


async def test_rows_that_are_deleted_while_they_are_searched(server, name, search):
    rows = [pb.Row(id=str(n), text=f"the capital number {n}") for n in range(200)]
    await server.retrieval.Upsert(pb.UpsertRequest(collection=name, rows=rows))

    async def delete():
        for n in range(0, 200, 20):
            gone = [str(n + i) for i in range(20)]
            await server.retrieval.Delete(pb.DeleteRequest(collection=name, ids=gone))

    async def look():
        while not deleting.done():
            assert len(ids(await search("capital number", top_k=50))) <= 50

    deleting = asyncio.create_task(delete())
    await asyncio.gather(deleting, look(), look())
    assert set(ids(await search(top_k=50))) == set(TEXTS)


async def test_a_collection_is_made_once_and_tells_what_differs(server, name, failure):
    create = server.retrieval.CreateCollection
    same = (await create(pb.CreateCollectionRequest(name=name))).collection
    assert (same.rows, same.mismatch, same.index.max_neighbors) == (3, "", 64)
    other = pb.CreateCollectionRequest(name=name, index=pb.IndexSettings(space=pb.SPACE_L2))
    assert await failure(create(other)) == ("FAILED_PRECONDITION", "COLLECTION_MISMATCH", [], None)
    listed = (await server.retrieval.ListCollections(pb.ListCollectionsRequest())).collections
    assert name in [one.name for one in listed]


async def test_a_rebuild_keeps_the_rows_and_the_doctor_is_content(server, name, search):
    rebuild = pb.RebuildCollectionRequest(name=name, index=pb.IndexSettings(ef_search=77, ef_construction=99))
    done = [event.progress async for event in server.retrieval.RebuildCollection(rebuild)]
    assert (done[-1].done, done[-1].total) == (3, 3)
    assert (await collection(server, name)).index.ef_search == 77
    assert ids(await search())[0] == "paris"
    *_, last = [
        event async for event in server.retrieval.CheckCollection(pb.CheckCollectionRequest(name=name))
    ]
    assert (last.diagnosis.ok, last.diagnosis.checked) == (True, 3)
    assert last.diagnosis.counts["sparse"] == last.diagnosis.counts["store"] == 3


@pytest.mark.parametrize(
    ("fields", "blamed"),
    [
        ({"text": ""}, "text"),
        ({"vector": b"12345678"}, "vector"),
        ({"vector": b"123"}, "vector"),
        ({"top_k": 0}, "top_k"),
        ({"mode": pb.SEARCH_MODE_SPARSE, "min_similarity": 0.5}, "min_similarity"),
        (
            {"filter": pb.Filter(any_of=pb.FilterList(clauses=[english(), pb.Filter()]))},
            "filter.any_of.clauses[1]",
        ),
    ],
)
async def test_bad_queries_are_blamed(search, failure, fields, blamed):
    assert await failure(search(**fields)) == ("INVALID_ARGUMENT", "INVALID_ARGUMENT", [blamed], None)


async def test_bad_rows_are_blamed(server, name, failure):
    def upsert(*rows):
        return server.retrieval.Upsert(pb.UpsertRequest(collection=name, rows=rows))

    fine = pb.Row(id="a", text="x")
    wrong = pb.Row(id="b", text="x", vector=b"\0" * 12)
    assert (await failure(upsert(fine, wrong)))[2] == ["rows[1].vector"]
    assert (await failure(upsert(fine, pb.Row(id="b"))))[2] == ["rows[1].text"]
    assert (await failure(upsert(fine, pb.Row(id="b", text="b" * 200_001))))[2] == ["rows[1].text"]
    long = pb.Row(id="b", text="word " * 1000)
    assert await failure(upsert(fine, long)) == ("INVALID_ARGUMENT", "TEXT_TOO_LONG", ["rows[1].text"], None)
    assert (await collection(server, name)).rows == 3


async def test_an_unknown_collection(server, failure):
    missing = ("NOT_FOUND", "COLLECTION_NOT_FOUND", [], None)
    retrieval = server.retrieval
    assert await failure(retrieval.Search(pb.SearchRequest(collection="nowhere", text="x"))) == missing
    assert await failure(retrieval.GetCollection(pb.GetCollectionRequest(name="nowhere"))) == missing
    assert await failure(retrieval.CheckCollection(pb.CheckCollectionRequest(name="nowhere"))) == missing
    start = pb.IngestRequest(start=pb.IngestStart(collection="nowhere"))
    assert await failure(retrieval.Ingest(iter([start]))) == missing


async def test_many_callers_at_once(search):
    found = await asyncio.gather(*(search() for _ in range(32)))
    assert {tuple(ids(response)) for response in found} == {tuple(ids(found[0]))}


async def test_without_a_store_it_says_so(start, failure):
    async with start("store.adapter=none") as server:
        call = server.retrieval.ListCollections(pb.ListCollectionsRequest())
        assert await failure(call) == ("UNIMPLEMENTED", "NOT_CONFIGURED", [], None)
