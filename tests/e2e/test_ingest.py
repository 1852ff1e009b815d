"""Ingestion over real gRPC: the same on the stand-ins, and on the real model with the real store."""

import asyncio
import io

import pytest
from pypdf import PdfWriter

from jarvis.v1 import retrieval_pb2 as pb

ADDED, CHANGED = pb.INGEST_OUTCOME_ADDED, pb.INGEST_OUTCOME_CHANGED
UNCHANGED, FAILED = pb.INGEST_OUTCOME_UNCHANGED, pb.INGEST_OUTCOME_FAILED
PRUNED, EMPTY = pb.INGEST_OUTCOME_PRUNED, pb.INGEST_OUTCOME_EMPTY

GUIDE = """# Guide

## Installing

Run `make install` and wait for the quartz engine to settle.

## Searching

Type a question about the flamingo, and press return.
"""


def pdf(text="", password=None):
    """A PDF of one page with a line of text."""
    stream = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET".encode() if text else b""
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(stream), stream),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    body, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    body += b"xref\n0 6\n0000000000 65535 f \n" + table
    body += b"trailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % body.index(b"xref\n0 6")
    if password is None:
        return body
    writer, out = PdfWriter(io.BytesIO(body)), io.BytesIO()
    writer.encrypt(password)
    writer.write(out)
    return out.getvalue()


async def search(server, name, text, **fields):
    response = await server.retrieval.Search(pb.SearchRequest(collection=name, text=text, **fields))
    return response.hits


async def rows(server, name):
    response = await server.retrieval.GetCollection(pb.GetCollectionRequest(name=name))
    return response.collection.rows


async def test_documents_of_each_kind_are_found_by_their_content(server, collection_name, ingest):
    documents = [
        ("/d/guide.md", GUIDE.encode()),
        (
            "/d/page.html",
            b"<html><style>x{}</style><h1>Herons</h1><p>A heron stands in the reeds.</p></html>",
        ),
        ("/d/paper.pdf", pdf("The walrus sleeps on the ice.")),
        ("/d/code.py", b'def juggle(balls):\n    """Keep them in the air."""\n    return balls\n'),
        ("/d/latin1.txt", "El ñandú corre por la pampa, más rápido que el gaucho.".encode("latin-1")),
    ]
    results, finished = await ingest(server, collection_name, documents)
    assert {result.outcome for result in results.values()} == {ADDED}
    assert (finished.added, finished.chunks, finished.embedded) == (5, finished.chunks, finished.chunks)
    for question, source in (
        ("quartz engine", "guide.md"),
        ("heron in the reeds", "page.html"),
        ("walrus sleeps on ice", "paper.pdf"),
        ("juggle balls", "code.py"),
        ("ñandú", "latin1.txt"),
    ):
        hits = await search(server, collection_name, question, top_k=1)
        assert hits[0].source.source == f"/d/{source}"
        assert not hits[0].metadata
    hit = (await search(server, collection_name, "flamingo", top_k=1))[0]
    assert GUIDE[hit.source.start : hit.source.end] == hit.text


async def test_text_is_found_as_people_search_it_with_its_page(server, collection_name, ingest):
    documents = [
        ("/d/shy.html", b"<p>La con&shy;fi&shy;gu&shy;ra&shy;ci&oacute;n del servidor</p>"),
        ("/d/lig.txt", "La o\ufb01cina abre a las nueve".encode()),
        ("/d/hyph.pdf", pdf("the maint-) Tj 0 -14 Td (ainability of walruses")),
        ("/d/1252.html", "<p>mañana: 20 €, señal</p>".encode("cp1252")),
    ]
    results, _ = await ingest(server, collection_name, documents)
    told = "decoded as windows-1252, the default, as nothing says otherwise"
    assert [list(results[source].notes) for source, _ in documents] == [[], [], [], [told]]
    for word, source in (
        ("configuración", "shy.html"),
        ("oficina", "lig.txt"),
        ("maintainability", "hyph.pdf"),
        ("mañana", "1252.html"),
    ):
        hits = await search(server, collection_name, word, mode=pb.SEARCH_MODE_SPARSE)
        assert [hit.source.source for hit in hits] == [f"/d/{source}"]
        page = 1 if source == "hyph.pdf" else 0
        assert (hits[0].source.first_page, hits[0].source.last_page) == (page, page)


async def test_unchanged_changed_and_pruned(server, collection_name, ingest):
    first = [("/d/a.md", b"alpha one"), ("/d/b.md", b"beta two"), ("/d/c.md", b"gamma three")]
    await ingest(server, collection_name, first)
    again = [("/d/a.md", b"alpha one"), ("/d/b.md", b"beta changed")]
    results, finished = await ingest(server, collection_name, again, prune=["/d/"])
    assert {source: result.outcome for source, result in results.items()} == {
        "/d/a.md": UNCHANGED,
        "/d/b.md": CHANGED,
        "/d/c.md": PRUNED,
    }
    assert (finished.unchanged, finished.changed, finished.pruned, finished.embedded) == (1, 1, 1, 1)
    assert {hit.text for hit in await search(server, collection_name, "alpha beta gamma")} == {
        "alpha one",
        "beta changed",
    }


async def test_documents_that_cannot_be_read_fail_alone(server, collection_name, ingest):
    documents = [
        ("/d/fine.md", b"fine"),
        ("/d/empty.txt", b""),
        ("/d/blank.txt", b" \n\t\n"),
        ("/d/binary.txt", bytes(range(256)) * 10),
        ("/d/broken.pdf", pdf("x")[:200]),
        ("/d/locked.pdf", pdf("x", "secret")),
        ("/d/scanned.pdf", pdf()),
        ("/d/fine.md", b"the same id again"),
        ("/d/last.md", b"last"),
    ]
    call = server.retrieval.Ingest
    responses = [response async for response in call(_plain(collection_name, documents))]
    outcomes = [response.document.outcome for response in responses[:-1]]
    assert outcomes == [ADDED, EMPTY, EMPTY, *[FAILED] * 5, ADDED]
    messages = {r.document.source: r.document.message for r in responses[3:-2]}
    assert all(messages.values())
    assert "password" in messages["/d/locked.pdf"]
    assert "binary" in messages["/d/binary.txt"]
    finished = responses[-1].finished
    assert (finished.failed, finished.empty, await rows(server, collection_name)) == (5, 2, 2)


async def test_a_moved_document_keeps_its_vectors_and_documents_go_by_their_ids(
    server, collection_name, ingest
):
    await ingest(server, collection_name, [("/d/C# guide.md", GUIDE.encode()), ("/d/b.md", b"beta")])
    results, finished = await ingest(server, collection_name, [("/d/guide.md", GUIDE.encode())])
    assert (results["/d/guide.md"].same_as, finished.embedded) == (["/d/C# guide.md"], 0)
    hit = (await search(server, collection_name, "flamingo", top_k=1))[0]
    assert [hit.source.source, *(one.source.source for one in hit.duplicates)] == [
        "/d/C# guide.md",
        "/d/guide.md",
    ]
    request = pb.DeleteDocumentsRequest(collection=collection_name, ids=["/d/C# guide.md", "/d/none.md"])
    assert (await server.retrieval.DeleteDocuments(request)).deleted == 1
    listing = server.retrieval.ListDocuments(pb.ListDocumentsRequest(collection=collection_name))
    listed = [one.source async for page in listing for one in page.documents]
    assert listed == ["/d/b.md", "/d/guide.md"]


async def _plain(collection, documents):
    yield pb.IngestRequest(start=pb.IngestStart(collection=collection))
    for source, data in documents:
        yield pb.IngestRequest(document=pb.IngestDocument(source=source))
        if data:
            yield pb.IngestRequest(data=data)


async def test_a_dry_run_stores_nothing(server, collection_name, ingest):
    results, _ = await ingest(server, collection_name, [("a.md", b"alpha")], dry_run=True)
    assert (results["a.md"].outcome, results["a.md"].chunks) == (ADDED, 1)
    assert await rows(server, collection_name) == 0


async def test_no_chunk_has_more_tokens_than_asked_for(server, collection_name, ingest):
    text = " ".join(f"word{n}" for n in range(400))
    results, _ = await ingest(
        server, collection_name, [("a.txt", text.encode())], chunk_tokens=50, chunk_overlap=5
    )
    assert results["a.txt"].chunks >= 8
    hits = await search(server, collection_name, "word1", top_k=100)
    counts = await server.embedding.Embed(pb_embed([hit.text for hit in hits]))
    assert max(one.tokens for one in counts.embeddings) <= 50
    assert {n for hit in hits for n in range(hit.source.start, hit.source.end)} >= set(range(5, len(text)))


def pb_embed(texts):
    from jarvis.v1 import embedding_pb2  # noqa: PLC0415

    return embedding_pb2.EmbedRequest(texts=texts)


@pytest.mark.parametrize(
    ("fields", "blamed"),
    [
        ({"chunk_tokens": 100_000}, "start.chunk_tokens"),
        ({"chunk_tokens": 50, "chunk_overlap": 25}, "start.chunk_overlap"),
    ],
)
async def test_sizes_that_are_refused(server, collection_name, send, failure, fields, blamed):
    call = send(server, collection_name, [("a.md", b"x")], **fields)
    assert await failure(call) == ("INVALID_ARGUMENT", "INVALID_ARGUMENT", [blamed], None)


async def test_hanging_up_stops_soon_and_the_next_time_completes(server, collection_name, send, ingest):
    documents = [(f"/d/{n}.md", f"document number {n} tells of topic {n}".encode()) for n in range(100)]
    call = send(server, collection_name, documents)
    first = await call.read()
    assert first.document.outcome == ADDED
    call.cancel()
    await asyncio.sleep(1)
    stored = await rows(server, collection_name)
    await asyncio.sleep(0.5)
    assert await rows(server, collection_name) == stored < 100
    results, _ = await ingest(server, collection_name, documents)
    assert results["/d/0.md"].outcome == UNCHANGED
    assert await rows(server, collection_name) == 100


async def test_searches_are_answered_during_an_ingestion(server, collection_name, ingest):
    await ingest(server, collection_name, [("first.md", b"the first document")])
    documents = [(f"/d/{n}.md", f"document number {n}".encode()) for n in range(60)]
    ingesting = asyncio.create_task(ingest(server, collection_name, documents))
    searched = 0
    while not ingesting.done():
        hits = await search(server, collection_name, "first document", filter=None, top_k=3)
        assert hits
        searched += 1
    await ingesting
    assert searched > 3
