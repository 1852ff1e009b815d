"""Each document by itself: its faults, what was emptied, what was moved, what is deleted."""

import asyncio

import pytest

from jarvis_ports.errors import InvalidArgument
from jarvis_ports.store import Row
from jarvis_ports.values import Document, IngestFinished, Outcome, Prune, SearchQuery

ADDED, FAILED, PRUNED, EMPTY = Outcome.ADDED, Outcome.FAILED, Outcome.PRUNED, Outcome.EMPTY


def text(*paragraphs):
    """A text whose paragraphs become chunks of their own: each fills one."""
    return "\n\n".join(
        f"{paragraph}. " + " ".join(f"{paragraph}{n}" for n in range(19)) for paragraph in paragraphs
    )


def outcomes(results):
    return [(result.source, result.outcome) for result in results]


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (Document(""), "document.source: must have 1 to 2048 bytes, has 0"),
        (Document("x" * 2049), "document.source: must have 1 to 2048 bytes, has 2049"),
        (Document("a", id=""), "document.id: must have 1 to 256 bytes, has 0"),
        (Document("a", media_type="x" * 257), "document.media_type: must have 1 to 256 bytes, has 257"),
        (Document("a", metadata={"_a": 1}), "document.metadata: the name '_a' begins with '_'"),
        (
            Document("a", metadata=dict.fromkeys(map(str, range(57)), 1)),
            "document.metadata: at most 56 fields, got 57",
        ),
        (Document("a", failure="Permission denied"), "Permission denied"),
    ],
)
async def test_what_is_wrong_with_one_document_is_told_of_it_and_the_others_go_on(setup, document, told):
    results, finished = await setup.ingest(
        ("b.txt", text("apple")), document, b"its content", ("c.txt", text("pear"))
    )
    assert outcomes(results) == [("b.txt", ADDED), (document.source, FAILED), ("c.txt", ADDED)]
    assert told in results[1].message
    assert finished.documents == {ADDED: 2, FAILED: 1}
    assert await setup.agree() == 2


async def test_a_source_that_is_far_too_long_is_told_in_part(setup):
    long = "ä" * 2_000_000
    results, _ = await setup.ingest((long, "x"), Document(long, id=long[1:], failure=long))
    for result in results:
        assert result.outcome is FAILED
        assert max(len(told.encode()) for told in (result.source, result.id, result.message)) <= 8192
        assert result.source.startswith("ää")


async def test_what_its_caller_cannot_send_stays_and_is_not_pruned(setup):
    await setup.ingest(("/d/a.txt", text("apple")), ("/d/b.txt", text("pear")))
    results, _ = await setup.ingest(Document("/d/a.txt", failure="Permission denied"), prune=Prune(("/d/",)))
    assert outcomes(results) == [("/d/a.txt", FAILED), ("/d/b.txt", PRUNED)]
    assert (results[0].message, results[0].chunks) == ("Permission denied", 1)
    assert await setup.agree() == 1


async def test_a_defect_of_the_reader_fails_its_document_alone(setup, monkeypatch, caplog):
    read = setup.reader.read

    async def broken(data, source, media_type, language):
        if source == "b.txt":
            raise RecursionError(f"at {data!r}")
        return await read(data, source, media_type, language)

    monkeypatch.setattr(setup.reader, "read", broken)
    results, _ = await setup.ingest(("a.txt", text("a")), ("b.txt", "secret"), ("c.txt", text("c")))
    assert [result.outcome for result in results] == [ADDED, FAILED, ADDED]
    assert results[1].message == "b.txt cannot be read: RecursionError: at b'secret'"
    assert "RecursionError" in caplog.text
    assert "secret" not in caplog.text


async def test_an_emptied_document_takes_its_old_text_with_it(setup):
    await setup.ingest(("a.txt", text("apple", "pear")), ("b.txt", text("plum")))
    dry, _ = await setup.ingest(("a.txt", ""), dry_run=True)
    assert outcomes(dry) == [("a.txt", EMPTY)]
    assert await setup.agree() == 3
    results, finished = await setup.ingest(("a.txt", b" \n\t"), ("never.txt", ""))
    assert outcomes(results) == [("a.txt", EMPTY), ("never.txt", EMPTY)]
    assert finished == IngestFinished(empty=2)
    assert await setup.agree() == 1
    assert not (await setup.retrieval.search.run(SearchQuery("docs", "apple", mode="sparse"))).hits


async def test_a_moved_document_is_recognised_and_keeps_its_vectors(setup):
    content = text("apple", "same", "same")
    await setup.ingest(("/d/a.txt", content), ("/d/other.txt", text("pear")))
    setup.restart()
    setup.embedder.embedded.clear()
    (dry,), _ = await setup.ingest(("/d/b.txt", content), dry_run=True)
    assert (dry.embedded, dry.same_as) == (0, ("/d/a.txt",))
    (result,), _ = await setup.ingest(("/d/b.txt", content))
    assert (result.outcome, result.chunks, result.embedded) == (ADDED, 3, 0)
    assert result.same_as == ("/d/a.txt",)
    assert setup.embedder.embedded == []
    assert await setup.agree() == 7
    assert await setup.retrieval.documents.delete("docs", ["/d/a.txt", "/d/a.txt", "none"]) == 1
    found = await setup.retrieval.search.run(SearchQuery("docs", "apple3", mode="dense", top_k=1))
    assert found.hits[0].source.source == "/d/b.txt"
    assert await setup.agree() == 4


async def test_documents_are_listed_by_what_their_source_begins_with(setup):
    names = [f"/d/{n:03}.txt" for n in range(230)]
    await setup.ingest(*((name, f"text {name}") for name in names), ("/dd/x.txt", text("a", "b")))
    await setup.retrieval.rows.upsert("docs", [Row("mine", "x")], [None])

    async def listed(*prefixes):
        return [one async for page in setup.retrieval.documents.list("docs", prefixes) for one in page]

    assert [one.source for one in await listed("/d/")] == names
    assert [(one.id, one.chunks) for one in await listed("/dd/", "/e/")] == [("/dd/x.txt", 2)]
    assert len(await listed()) == 231
    assert await listed("/none/") == []


@pytest.mark.parametrize("ids", [[], [str(n) for n in range(1001)]])
async def test_how_many_documents_are_deleted_at_once_is_bounded(setup, ids):
    with pytest.raises(InvalidArgument, match=f"must be 1 to 1000 ids, got {len(ids)}"):
        await setup.retrieval.documents.delete("docs", ids)


async def test_a_document_that_is_written_is_deleted_after_that(setup):
    setup.store.go.clear()
    writing = asyncio.create_task(setup.ingest(("a.txt", text("apple"))))
    await setup.store.before_upsert.wait()
    deleting = asyncio.create_task(setup.retrieval.documents.delete("docs", ["a.txt"]))
    await asyncio.sleep(0.05)
    setup.store.go.set()
    await writing
    assert await deleting == 1
    assert await setup.agree() == 0
