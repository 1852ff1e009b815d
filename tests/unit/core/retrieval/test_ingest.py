"""Documents become rows, and stay the same as their content."""

import asyncio
from contextlib import aclosing

import pytest

from jarvis.core.retrieval.ingest import AHEAD
from jarvis_ports.errors import (
    CollectionNotFound,
    EngineDead,
    InvalidArgument,
    StoreFailure,
    StoreUnavailable,
)
from jarvis_ports.store import Row
from jarvis_ports.values import Document, IngestFinished, IngestStart, Outcome, Prune, SearchQuery

ADDED, CHANGED, UNCHANGED = Outcome.ADDED, Outcome.CHANGED, Outcome.UNCHANGED
FAILED, PRUNED = Outcome.FAILED, Outcome.PRUNED


def text(*paragraphs):
    """A text whose paragraphs become chunks of their own: each fills one."""
    return "\n\n".join(
        f"{paragraph}. " + " ".join(f"{paragraph}{n}" for n in range(19)) for paragraph in paragraphs
    )


def outcomes(results):
    return [(result.source, result.outcome) for result in results]


async def test_a_document_becomes_chunks_that_know_their_place(setup):
    content = text("apple", "pear")
    (result,), finished = await setup.ingest(("a.txt", content))
    assert (result.id, result.source, result.outcome) == ("a.txt", "a.txt", ADDED)
    assert (result.chunks, result.embedded) == (2, 2)
    assert finished == IngestFinished(added=1, chunks=2, embedded=2)
    found = await setup.retrieval.search.run(SearchQuery("docs", "pear7", top_k=1))
    source = found.hits[0].source
    assert content[source.start : source.end] == found.hits[0].text
    assert await setup.agree() == 2


async def test_what_is_unchanged_is_neither_read_nor_embedded_nor_written(setup):
    document = ("a.txt", text("apple", "pear"))
    await setup.ingest(document)
    setup.restart()
    for counter in (setup.reader.read_sources, setup.embedder.embedded, setup.store.upserted):
        counter.clear()
    (result,), finished = await setup.ingest(document)
    assert (result.outcome, result.chunks, result.embedded) == (UNCHANGED, 2, 0)
    assert finished == IngestFinished(unchanged=1, chunks=2)
    assert (setup.reader.read_sources, setup.embedder.embedded, setup.store.upserted) == ([], [], [])


async def test_of_a_changed_document_only_the_new_chunks_are_embedded(setup):
    await setup.ingest(("a.txt", text("apple", "pear", "plum")))
    setup.embedder.embedded.clear()
    (result,), _ = await setup.ingest(("a.txt", text("fig", "apple", "plum")))
    assert (result.outcome, result.chunks, result.embedded) == (CHANGED, 3, 1)
    assert [chunk[:3] for chunk in setup.embedder.embedded] == ["fig"]
    document = await setup.texts.document("docs", "a.txt")
    assert [row.text[:3] for row in await setup.texts.rows("docs", document.ids)] == ["fig", "app", "plu"]
    assert await setup.agree() == 3


async def test_equal_chunks_are_told_apart(setup):
    (result,), _ = await setup.ingest(("a.txt", text("same", "same", "same")))
    assert result.chunks == 3
    assert await setup.agree() == 3


async def test_new_metadata_is_a_change_that_embeds_nothing(setup):
    content = text("apple").encode()
    await setup.ingest(Document("a.txt", metadata={"lang": "en"}), content)
    (result,), _ = await setup.ingest(Document("a.txt", metadata={"lang": "es"}), content)
    assert (result.outcome, result.embedded) == (CHANGED, 0)
    found = await setup.retrieval.search.run(SearchQuery("docs", "apple"))
    assert found.hits[0].metadata["lang"] == "es"


async def test_another_way_of_splitting_is_a_change(setup):
    await setup.ingest(("a.txt", text("apple", "pear")))
    (result,), _ = await setup.ingest(("a.txt", text("apple", "pear")), chunk_tokens=40)
    assert (result.outcome, result.chunks) == (CHANGED, 1)
    assert await setup.agree() == 1


async def test_bad_documents_fail_alone_and_keep_what_was_stored(setup):
    await setup.ingest(("b.txt", text("kept")))
    results, finished = await setup.ingest(
        ("a.txt", text("apple")),
        ("b.txt", b"\0binary"),
        ("c.txt", "x" * 1001),
        ("a.txt", text("pear")),
        ("d.txt", text("plum")),
    )
    assert [result.outcome for result in results] == [ADDED, FAILED, FAILED, FAILED, ADDED]
    assert [result.chunks for result in results] == [1, 1, 0, 1, 1]
    assert results[1].message == "b.txt is binary, not text"
    assert results[2].message == "has 1001 bytes, and retrieval.max_document_bytes is 1000"
    assert "a document of the id 'a.txt' came before it" in results[3].message
    assert finished.documents == {ADDED: 2, FAILED: 3}
    assert (await setup.retrieval.search.run(SearchQuery("docs", "kept1", mode="sparse"))).hits


async def test_what_was_not_sent_is_pruned_and_what_failed_is_not(setup):
    names = ("/docs/a.txt", "/docs/b.txt", "/docs/c.txt", "/docs2/d.txt")
    await setup.ingest(*((name, text(name[-5])) for name in names))
    again = [("/docs/a.txt", text("a")), ("/docs/b.txt", b"\0")]
    dry, _ = await setup.ingest(*again, prune=Prune(("/docs/",)), dry_run=True)
    assert outcomes(dry)[2:] == [("/docs/c.txt", PRUNED)]
    assert await setup.agree() == 4
    results, finished = await setup.ingest(*again, prune=Prune(("/docs/",)))
    assert outcomes(results) == [("/docs/a.txt", UNCHANGED), ("/docs/b.txt", FAILED), ("/docs/c.txt", PRUNED)]
    assert finished.documents[PRUNED] == 1
    assert await setup.agree() == 3


async def test_a_prefix_of_nothing_prunes_everything_but_rows_of_callers(setup):
    await setup.retrieval.rows.upsert("docs", [Row("mine", "x")], [None])
    await setup.ingest(("a.txt", text("a")))
    results, _ = await setup.ingest(prune=Prune(("",)))
    assert outcomes(results) == [("a.txt", PRUNED)]
    assert await setup.agree() == 1


async def test_a_dry_run_tells_and_writes_nothing(setup):
    await setup.ingest(("a.txt", text("apple")))
    setup.embedder.embedded.clear()
    results, _ = await setup.ingest(
        ("a.txt", text("apple", "pear")), ("b.txt", text("b")), ("c.txt", b"\0"), dry_run=True
    )
    assert [(r.outcome, r.chunks, r.embedded) for r in results] == [
        (CHANGED, 2, 1),
        (ADDED, 1, 1),
        (FAILED, 0, 0),
    ]
    assert setup.embedder.embedded == []
    assert await setup.agree() == 1


@pytest.mark.parametrize(
    "error", [EngineDead("it fell"), StoreFailure("disk full"), StoreUnavailable("gone")]
)
async def test_a_failure_behind_a_port_ends_the_stream_and_what_was_told_is_stored(setup, stream, error):
    documents = [(f"{n}.txt", text(f"w{n}")) for n in range(AHEAD * 3)]
    told = []
    with pytest.raises(type(error)):
        async for result in setup.retrieval.ingest.run(stream(documents, None, IngestStart("docs"))):
            told.append(result.source)
            if len(told) == 2:
                (setup.embedder if isinstance(error, EngineDead) else setup.store).failures = [error] * 9
    assert told[:2] == ["0.txt", "1.txt"]
    setup.store.failures = setup.embedder.failures = []
    setup.restart()
    results, _ = await setup.ingest(*documents)
    assert [result.outcome for result in results[: len(told)]] == [UNCHANGED] * len(told)
    assert await setup.agree() == len(documents)


async def test_a_document_that_was_stored_half_is_repaired(setup):
    document = ("a.txt", text(*"abcdefgh"))
    setup.store.failures, setup.store.half = [StoreFailure("killed")], True
    with pytest.raises(StoreFailure):
        await setup.ingest(document)
    setup.restart()
    setup.embedder.embedded.clear()
    (result,), _ = await setup.ingest(document)
    assert (result.outcome, result.chunks, result.embedded) == (CHANGED, 8, 4)
    assert await setup.agree() == 8
    (result,), _ = await setup.ingest(document)
    assert result.outcome is UNCHANGED


async def test_a_change_that_ended_half_way_is_not_taken_for_done(setup):
    """As many rows as the new document has, of which some are old ones."""
    await setup.ingest(("a.txt", text(*"abcd")))
    new = ("a.txt", text(*"efghijkl"))
    setup.store.failures, setup.store.half = [StoreFailure("killed")], True
    with pytest.raises(StoreFailure):
        await setup.ingest(new)
    setup.restart()
    found = await setup.retrieval.search.run(SearchQuery("docs", "x", mode="dense", top_k=50))
    assert len(found.hits) == 8
    (result,), _ = await setup.ingest(new)
    assert (result.outcome, result.chunks) == (CHANGED, 8)
    assert await setup.agree() == 8


async def test_a_caller_who_hangs_up_leaves_whole_documents_or_what_is_repaired(setup, stream):
    documents = [(f"{n}.txt", text(f"w{n}")) for n in range(20)]
    async with aclosing(setup.retrieval.ingest.run(stream(documents, None, IngestStart("docs")))) as results:
        await anext(results)
    assert await setup.agree() < 20, "it has stopped"
    results, _ = await setup.ingest(*documents)
    assert results[0].outcome is UNCHANGED
    assert await setup.agree() == 20


async def test_no_more_documents_are_read_ahead_than_are_at_work(setup):
    taken = []
    setup.store.go.clear()

    async def slow_store():
        yield IngestStart("docs")
        for n in range(50):
            taken.append(n)
            yield Document(f"{n}.txt")
            yield text(f"w{n}").encode()

    async with aclosing(setup.retrieval.ingest.run(slow_store())) as results:
        first = asyncio.ensure_future(anext(results))
        await setup.store.before_upsert.wait()
        await asyncio.sleep(0.05)
        assert len(taken) <= AHEAD + 2
        setup.store.go.set()
        assert (await first).source == "0.txt"
    assert len(taken) < AHEAD * 3


async def test_two_streams_with_one_document_leave_one_of_the_two(setup):
    one, other = ("a.txt", text(*"abcdef")), ("a.txt", text(*"cdefghij"))
    await asyncio.gather(setup.ingest(one), setup.ingest(other))
    document = await setup.texts.document("docs", "a.txt")
    assert document.chunks == len(document.ids)
    assert len(document.ids) in {6, 8}
    assert await setup.agree() == len(document.ids)


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ([], "start"),
        ([Document("a.txt")], "start"),
        ([IngestStart("docs"), IngestStart("docs")], "start"),
        ([IngestStart("docs"), b"data"], "data"),
        ([IngestStart("docs"), Prune(("x",)), Document("a.txt")], "prune"),
        ([IngestStart("docs"), Prune(())], "prune.prefixes"),
        ([IngestStart("docs", chunk_tokens=65)], "start.chunk_tokens"),
        ([IngestStart("docs", chunk_tokens=15)], "start.chunk_tokens"),
        ([IngestStart("docs", chunk_tokens=20, chunk_overlap=10)], "start.chunk_overlap"),
    ],
)
async def test_events_that_are_refused(setup, sent, field):
    async def events():
        for event in sent:
            yield event

    with pytest.raises(InvalidArgument) as caught:
        async for _ in setup.retrieval.ingest.run(events()):
            pass
    assert [violation.field for violation in caught.value.violations] == [field]


async def test_more_tokens_than_the_model_reads_are_refused_with_both_numbers(setup):
    with pytest.raises(InvalidArgument, match="at most the 64 tokens that the embedding model reads, got 65"):
        await setup.ingest(chunk_tokens=65)


async def test_the_configured_size_is_lowered_to_what_the_model_reads(setup, make_embedder):
    setup.restart(make_embedder(max_tokens=16))
    (result,), _ = await setup.ingest(("a.txt", text("apple", "pear")))
    assert result.chunks >= 3
    document = await setup.texts.document("docs", "a.txt")
    rows = await setup.texts.rows("docs", document.ids)
    assert all(len(row.text.split()) <= 16 for row in rows)


async def test_an_unknown_collection(setup):
    with pytest.raises(CollectionNotFound):
        async for _ in setup.retrieval.ingest.run(_start("nowhere")):
            pass


async def _start(collection):
    yield IngestStart(collection)
