from jarvis.core.retrieval.text_index import DocumentRows
from jarvis_ports.filters import Equals
from jarvis_ports.store import Row


async def pages(listing):
    return [page async for page in listing]


async def test_a_row_replaces_that_of_its_id(index):
    await index.commit("c", [Row("1", "old words", {"a": 1}), Row("2", "other")], [])
    await index.commit("c", [Row("1", "new", {"b": 2})], [])
    assert await index.rows("c", ["2", "1", "gone"]) == [Row("2", "other"), Row("1", "new", {"b": 2})]
    assert await index.search("c", "old", 10) == []
    assert await index.filtered("c", Equals("a", 1)) == []
    assert await index.count("c") == 2


async def test_deleted_rows_are_gone(index):
    await index.commit("c", [Row("1", "one"), Row("2", "two")], [])
    await index.commit("c", [], ["1", "never there"])
    assert await index.rows("c", ["1", "2"]) == [Row("2", "two")]
    assert await index.search("c", "one", 10) == []
    assert await index.count("c") == 1


async def test_a_begun_change_is_pending_until_it_is_committed(index):
    await index.begin("c", ["1", "2", "3"])
    await index.begin("c", ["1"])
    assert sorted(await index.pending("c")) == ["1", "2", "3"]
    assert await index.count("c") == 0
    await index.commit("c", [Row("1", "one")], ["2"])
    assert await index.pending("c") == ["3"]
    assert await index.pending("d") == []


async def test_ids_come_once_each_page_by_page(index, monkeypatch):
    monkeypatch.setattr("jarvis.textindex.index.PAGE_IDS", 3)
    ids = [f"{i:02}" for i in range(8)]
    await index.commit("c", [Row(id_, "text") for id_ in ids], [])
    assert await pages(index.ids("c")) == [ids[:3], ids[3:6], ids[6:]]
    assert await pages(index.ids("d")) == []


async def test_a_document_knows_its_rows_in_order(index, chunk):
    await index.commit("c", [chunk("a", i, chunks=12) for i in (11, 2, 0)] + [Row("x", "no chunk")], [])
    assert await index.document("c", "a") == DocumentRows("a", "/a.md", "h1", 12, ("a-0", "a-2", "a-11"))
    assert await index.document("c", "b") is None
    assert await index.document("d", "a") is None


async def test_rows_of_two_versions_have_no_hash(index, chunk):
    await index.commit("c", [chunk("a", 0), chunk("a", 1, hash_="h2")], [])
    assert await index.document("c", "a") == DocumentRows("a", "/a.md", "", 0, ("a-0", "a-1"))


async def test_documents_come_page_by_page(index, chunk, monkeypatch):
    monkeypatch.setattr("jarvis.textindex.index.PAGE_DOCUMENTS", 2)
    rows = [chunk(document, i) for document in ("b", "a", "c") for i in range(2)]
    await index.commit("c", [*rows, Row("x", "no chunk")], [])
    listed = await pages(index.documents("c"))
    assert [[document.document for document in page] for page in listed] == [["a", "b"], ["c"]]
    assert listed[1] == [DocumentRows("c", "/c.md", "h1", 2, ("c-0", "c-1"))]


async def test_a_dropped_collection_leaves_nothing(index):
    await index.begin("c", ["1"])
    await index.commit("d", [Row("1", "one")], [])
    assert await index.collections() == ["c", "d"]
    for name in ("c", "d", "never there"):
        await index.drop(name)
    assert await index.collections() == []
    await index.commit("d", [Row("2", "two")], [])
    assert [await index.count("d"), await index.pending("c")] == [1, []]
    assert await index.rows("d", ["1", "2"]) == [Row("2", "two")]
