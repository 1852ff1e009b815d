"""The contract's messages for retrieval, and what they mean."""

import numpy as np
import pytest

from jarvis.core.retrieval.documents import (
    Document,
    IngestedDocument,
    IngestFinished,
    IngestStart,
    Outcome,
    Prune,
)
from jarvis.core.retrieval.types import CollectionInfo, Found, Hit, IndexChanges, SearchMode, SearchQuery
from jarvis.core.violations import Violations
from jarvis.server import retrieval_convert as convert
from jarvis.server.filter_convert import filter_, metadata, values
from jarvis.v1 import retrieval_pb2 as pb
from jarvis_ports.errors import InvalidArgument
from jarvis_ports.filters import And, Equals, Exists, In, Not, Or, Range
from jarvis_ports.store import CollectionSpec, Diagnosis, IndexSettings, Progress, Row, Space

EXISTS = pb.Filter(exists="x")


def number(value):
    return pb.Value(int_value=value)


def nested(depth):
    message = pb.Filter(exists="x")
    for _ in range(depth - 1):
        message = pb.Filter(negation=message)
    return message


def read(convert_, message, *more):
    """Read a message that is right, or raise all that is wrong with it."""
    violations = Violations()
    found = convert_(message, violations, *more)
    violations.refuse()
    return found


def test_every_filter_is_read():
    message = pb.Filter(
        all_of=pb.FilterList(
            clauses=[
                pb.Filter(equals=pb.EqualsFilter(field="a", value=pb.Value(string_value=""))),
                pb.Filter(any_of=pb.FilterList(clauses=[EXISTS])),
                pb.Filter(
                    negation=pb.Filter(one_of=pb.OneOfFilter(field="b", values=[number(0), number(1)]))
                ),
                pb.Filter(range=pb.RangeFilter(field="c", gt=0.0, lte=2.5)),
            ]
        )
    )
    assert read(filter_, message) == And(
        (Equals("a", ""), Or((Exists("x"),)), Not(In("b", (0, 1))), Range("c", gt=0.0, lte=2.5))
    )


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (pb.Filter(), "filter"),
        (pb.Filter(exists=""), "filter.exists"),
        (pb.Filter(any_of=pb.FilterList()), "filter.any_of.clauses"),
        (
            pb.Filter(all_of=pb.FilterList(clauses=[EXISTS, pb.Filter(range=pb.RangeFilter(field="x"))])),
            "filter.all_of.clauses[1].range",
        ),
        (pb.Filter(negation=pb.Filter()), "filter.negation"),
        (pb.Filter(equals=pb.EqualsFilter(value=number(1))), "filter.equals.field"),
        (pb.Filter(equals=pb.EqualsFilter(field="x")), "filter.equals.value"),
        (pb.Filter(one_of=pb.OneOfFilter(field="x")), "filter.one_of.values"),
        (
            pb.Filter(one_of=pb.OneOfFilter(field="x", values=[number(1), pb.Value()])),
            "filter.one_of.values[1]",
        ),
        (pb.Filter(range=pb.RangeFilter(field="x", gte=float("nan"))), "filter.range.gte"),
        (nested(17), "filter"),
        (pb.Filter(any_of=pb.FilterList(clauses=[EXISTS] * 256)), "filter"),
    ],
)
def test_a_wrong_filter_is_blamed_by_its_path(message, field):
    with pytest.raises(InvalidArgument) as caught:
        read(filter_, message)
    assert [violation.field for violation in caught.value.violations] == [field]


def test_filters_up_to_the_limits_are_read():
    read(filter_, nested(16))
    read(filter_, pb.Filter(any_of=pb.FilterList(clauses=[EXISTS] * 255)))


def test_metadata_keeps_its_types():
    fields = {"s": "x", "i": 2**62 + 1, "d": 1.0, "b": True, "zero": 0, "no": False}
    violations = Violations()
    found = metadata(values(fields), "m", violations)
    assert found == fields
    assert {name: type(value) for name, value in found.items()} == {n: type(v) for n, v in fields.items()}
    with pytest.raises(InvalidArgument, match=r"m\[x\]: set one of its kinds"):
        metadata({"x": pb.Value()}, "m", violations)
        violations.refuse()


def test_index_settings_that_are_left_out_change_nothing():
    assert read(convert.index_changes, pb.IndexSettings()) == IndexChanges()
    changes = read(convert.index_changes, pb.IndexSettings(space=pb.SPACE_IP, ef_search=0))
    assert changes == IndexChanges(space=Space.IP, ef_search=0)
    assert changes.applied(IndexSettings()) == IndexSettings(space=Space.IP, ef_search=0)
    with pytest.raises(InvalidArgument, match=r"index.space: must be one of SPACE_COSINE"):
        read(convert.index_changes, pb.IndexSettings(space=9))


def test_a_collection_is_written():
    spec = CollectionSpec("docs", 3, "model", "secret", IndexSettings(space=Space.L2))
    index = pb.IndexSettings(space=pb.SPACE_L2, max_neighbors=64, ef_construction=400, ef_search=200)
    assert convert.collection(CollectionInfo(spec, 7, "differs"), 1000) == pb.Collection(
        name="docs",
        dimension=3,
        embedder="model",
        index=index,
        rows=7,
        mismatch="differs",
        max_document_bytes=1000,
    )


def test_of_many_rows_of_one_text_the_first_hundred_are_told():
    rows = tuple(
        Row(str(n), "x", {"_document": f"d{n}", "_source": f"s{n}", "_start": 1, "_end": 2, "lang": "es"})
        for n in range(150)
    )
    hits = Found((Hit(Row("a", "x"), 1.0, duplicates=rows),), SearchMode.DENSE)
    (hit,) = convert.found(hits, 100_000).hits
    assert [one.id for one in hit.duplicates] == [str(n) for n in range(100)]
    assert hit.duplicates[7].source == pb.ChunkSource(document_id="d7", source="s7", start=1, end=2)
    assert list(hit.duplicates[7].metadata) == ["lang"]


def test_a_document_with_wrong_metadata_fails_by_itself():
    message = pb.IngestDocument(source="a.md", metadata={"n": pb.Value()})
    read = convert.ingest_event(pb.IngestRequest(document=message))
    assert (read.source, read.metadata) == ("a.md", {})
    assert "document.metadata[n]" in read.failure
    message = pb.IngestDocument(source="a.md", failure="")
    assert convert.ingest_event(pb.IngestRequest(document=message)).failure == "its caller cannot send it"


def test_a_diagnosis_names_the_first_hundred():
    ids = tuple(str(n) for n in range(150))
    written = convert.checked(Diagnosis(200, 200, ids, {"store": 200})).diagnosis
    assert (written.ok, written.unreachable, list(written.unreachable_ids)) == (False, 150, list(ids[:100]))
    assert convert.checked(Progress(1, 2)).progress == pb.RowProgress(done=1, total=2)


def test_rows_with_and_without_a_vector():
    vector = np.array([1.5, -2], "<f4")
    request = pb.UpsertRequest(
        rows=[
            pb.Row(id="a", text="x", metadata={"n": number(1)}, vector=vector.tobytes()),
            pb.Row(id="b", text="y"),
        ]
    )
    rows, vectors = read(convert.rows, request)
    assert rows == [Row("a", "x", {"n": 1}), Row("b", "y")]
    assert vectors[0].tolist() == [1.5, -2]
    assert vectors[1] is None
    request.rows[1].vector = b"12345"
    with pytest.raises(InvalidArgument, match=r"rows\[1\].vector: has 5 bytes"):
        read(convert.rows, request)


def test_a_query_left_bare_has_the_defaults_of_the_contract():
    assert read(convert.query, pb.SearchRequest(collection="c", text="x")) == SearchQuery("c", "x", top_k=10)
    full = pb.SearchRequest(
        collection="c",
        text="",
        mode=pb.SEARCH_MODE_SPARSE,
        top_k=0,
        min_similarity=0.0,
        truncate=True,
        filter=EXISTS,
    )
    assert read(convert.query, full) == SearchQuery(
        "c", "", mode=SearchMode.SPARSE, top_k=0, filter=Exists("x"), min_similarity=0.0, truncate=True
    )
    with pytest.raises(InvalidArgument, match="mode: must be one of SEARCH_MODE_DENSE"):
        read(convert.query, pb.SearchRequest(mode=9))


def test_hits_hide_our_own_metadata_and_tell_the_place():
    own = {
        "_document": "d",
        "_source": "s",
        "_start": 3,
        "_end": 9,
        "_hash": "h",
        "_chunks": 1,
        "_ordinal": 0,
        "_first_page": 2,
        "_last_page": 3,
    }
    chunk = Hit(Row("a", "x", {"n": 1, **own}), 0.5, 0.25, 1, None)
    written = convert.found(Found((chunk, Hit(Row("b", "y"), 2.0, sparse_rank=1)), SearchMode.HYBRID), 1000)
    first, second = written.hits
    assert dict(first.metadata) == {"n": number(1)}
    assert first.source == pb.ChunkSource(
        document_id="d", source="s", start=3, end=9, first_page=2, last_page=3
    )
    assert (first.similarity, first.dense_rank, first.HasField("sparse_rank")) == (0.25, 1, False)
    assert (second.HasField("source"), second.HasField("similarity"), second.sparse_rank) == (False, False, 1)
    assert written.mode == pb.SEARCH_MODE_HYBRID


def test_the_events_of_an_ingestion():
    event = convert.ingest_event
    start = pb.IngestStart(collection="c", chunk_overlap=0)
    assert event(pb.IngestRequest(start=start)) == IngestStart("c", None, 0, dry_run=False)
    start = pb.IngestStart(collection="c", language="es")
    assert event(pb.IngestRequest(start=start)) == IngestStart("c", language="es")
    assert event(pb.IngestRequest(document=pb.IngestDocument(source="s"))) == Document("s")
    full = pb.IngestDocument(source="s", id="i", media_type="text/html", metadata={"n": number(1)})
    assert event(pb.IngestRequest(document=full)) == Document("s", "i", "text/html", {"n": 1})
    assert event(pb.IngestRequest(data=b"")) == b""
    assert event(pb.IngestRequest(prune=pb.IngestPrune(prefixes=["a"]))) == Prune(("a",))
    with pytest.raises(InvalidArgument, match="event: set start"):
        event(pb.IngestRequest())


def test_the_results_of_an_ingestion():
    document = IngestedDocument("i", "s", Outcome.FAILED, 2, 1, "why", ("decoded as x",))
    assert convert.ingest_result(document).document == pb.IngestedDocument(
        id="i",
        source="s",
        outcome=pb.INGEST_OUTCOME_FAILED,
        chunks=2,
        embedded=1,
        message="why",
        notes=["decoded as x"],
    )
    finished = IngestFinished({Outcome.ADDED: 3, Outcome.PRUNED: 1}, 9, 4)
    assert convert.ingest_result(finished).finished == pb.IngestFinished(
        added=3, pruned=1, chunks=9, embedded=4
    )
