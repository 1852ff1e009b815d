"""The contract's messages for retrieval, and what they mean."""

import numpy as np
import pytest

from jarvis.core.retrieval.hits import make_hit
from jarvis.core.violations import Violations
from jarvis.server.incoming import ingest_event
from jarvis.v1 import retrieval_pb2 as pb
from jarvis.wire import collections, documents, search
from jarvis.wire.filters import FILTER
from jarvis.wire.metadata import METADATA
from jarvis_ports.errors import InvalidArgument
from jarvis_ports.values import (
    And,
    Collection,
    Diagnosis,
    Document,
    Equals,
    Exists,
    In,
    IndexChanges,
    IndexSettings,
    IngestedDocument,
    IngestFinished,
    IngestStart,
    Not,
    Or,
    Outcome,
    Progress,
    Prune,
    Range,
    Row,
    SearchMode,
    SearchQuery,
    SearchResult,
    Space,
)

EXISTS = pb.Filter(exists="x")


def number(value):
    return pb.Value(int_value=value)


def nested(depth):
    message = pb.Filter(exists="x")
    for _ in range(depth - 1):
        message = pb.Filter(negation=message)
    return message


def read(converter, message, path=""):
    """Read a message that is right, or raise all that is wrong with it."""
    violations = Violations()
    found = converter.read(message, path, violations.blame)
    violations.refuse()
    return found


def read_filter(message):
    return read(FILTER, message, "filter")


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
    assert read_filter(message) == And(
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
        read_filter(message)
    assert [violation.field for violation in caught.value.violations] == [field]


def test_filters_up_to_the_limits_are_read():
    read_filter(nested(16))
    read_filter(pb.Filter(any_of=pb.FilterList(clauses=[EXISTS] * 255)))


def test_metadata_keeps_its_types():
    fields = {"s": "x", "i": 2**62 + 1, "d": 1.0, "b": True, "zero": 0, "no": False}
    violations = Violations()
    found = METADATA.read(METADATA.write(fields, "m"), "m", violations.blame)
    assert found == fields
    assert {name: type(value) for name, value in found.items()} == {n: type(v) for n, v in fields.items()}
    with pytest.raises(InvalidArgument, match=r"m\[x\]: set one of its kinds"):
        METADATA.read({"x": pb.Value()}, "m", violations.blame)
        violations.refuse()


def test_index_settings_that_are_left_out_change_nothing():
    assert read(collections.CHANGES, pb.IndexSettings()) == IndexChanges()
    changes = read(collections.CHANGES, pb.IndexSettings(space=pb.SPACE_IP, ef_search=0))
    assert changes == IndexChanges(space=Space.IP, ef_search=0)
    assert changes.applied(IndexSettings()) == IndexSettings(space=Space.IP, ef_search=0)
    with pytest.raises(InvalidArgument, match=r"index.space: must be one of SPACE_COSINE"):
        read(collections.CHANGES, pb.IndexSettings(space=9), "index")


def test_a_collection_is_written():
    made = Collection("docs", 3, "model", IndexSettings(space=Space.L2), 7, "differs", 1000)
    index = pb.IndexSettings(space=pb.SPACE_L2, max_neighbors=64, ef_construction=400, ef_search=200)
    assert collections.COLLECTION.message(made) == pb.Collection(
        name="docs",
        dimension=3,
        embedder="model",
        index=index,
        rows=7,
        mismatch="differs",
        max_document_bytes=1000,
    )


def test_of_many_rows_of_one_text_the_first_hundred_are_told():
    rows = [
        Row(
            f"{n:03}",
            "x",
            {"_document": f"d{n}", "_source": f"s{n:03}", "_start": 1, "_end": 2, "lang": "es"},
        )
        for n in range(150)
    ]
    hit = make_hit([Row("a", "x"), *rows], 1.0)
    (written,) = search.RESULT.message(SearchResult((hit,), SearchMode.DENSE)).hits
    assert [one.id for one in written.duplicates] == [f"{n:03}" for n in range(100)]
    assert written.duplicates[7].source == pb.ChunkSource(document_id="d7", source="s007", start=1, end=2)
    assert list(written.duplicates[7].metadata) == ["lang"]


def test_a_document_with_wrong_metadata_fails_by_itself():
    message = pb.IngestDocument(source="a.md", metadata={"n": pb.Value()})
    read = ingest_event(pb.IngestRequest(document=message))
    assert (read.source, read.metadata) == ("a.md", {})
    assert "document.metadata[n]" in read.failure
    message = pb.IngestDocument(source="a.md", failure="")
    assert ingest_event(pb.IngestRequest(document=message)).failure == "its caller cannot send it"


def test_the_events_of_a_check():
    found = Diagnosis(False, 200, 150, ("1", "2"), {"store": 200})
    written = collections.CHECKED.message(found).diagnosis
    assert (written.ok, written.unreachable, list(written.unreachable_ids)) == (False, 150, ["1", "2"])
    assert collections.CHECKED.message(Progress(1, 2)).progress == pb.RowProgress(done=1, total=2)


def read_upsert(message):
    violations = Violations()
    found = collections.read_upsert(message, violations.blame)
    violations.refuse()
    return found


def test_rows_with_and_without_a_vector():
    vector = np.array([1.5, -2], "<f4")
    request = pb.UpsertRequest(
        rows=[
            pb.Row(id="a", text="x", metadata={"n": number(1)}, vector=vector.tobytes()),
            pb.Row(id="b", text="y"),
        ]
    )
    upsert = read_upsert(request)
    vectors = upsert.vectors
    assert upsert.rows == [Row("a", "x", {"n": 1}), Row("b", "y")]
    assert vectors[0].tolist() == [1.5, -2]
    assert vectors[1] is None
    request.rows[1].vector = b"12345"
    with pytest.raises(InvalidArgument, match=r"rows\[1\].vector: has 5 bytes"):
        read_upsert(request)


def test_a_query_left_bare_has_the_defaults_of_the_contract():
    assert read(search.QUERY, pb.SearchRequest(collection="c", text="x")) == SearchQuery("c", "x", top_k=10)
    full = pb.SearchRequest(
        collection="c",
        text="",
        mode=pb.SEARCH_MODE_SPARSE,
        top_k=0,
        min_similarity=0.0,
        truncate=True,
        filter=EXISTS,
    )
    assert read(search.QUERY, full) == SearchQuery(
        "c", "", mode=SearchMode.SPARSE, top_k=0, filter=Exists("x"), min_similarity=0.0, truncate=True
    )
    with pytest.raises(InvalidArgument, match="mode: must be one of SEARCH_MODE_DENSE"):
        read(search.QUERY, pb.SearchRequest(mode=9))


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
    chunk = make_hit([Row("a", "x", {"n": 1, **own})], 0.5, 0.25, 1, None)
    hits = (chunk, make_hit([Row("b", "y")], 2.0, sparse_rank=1))
    written = search.RESULT.message(SearchResult(hits, SearchMode.HYBRID))
    first, second = written.hits
    assert dict(first.metadata) == {"n": number(1)}
    assert first.source == pb.ChunkSource(
        document_id="d", source="s", start=3, end=9, first_page=2, last_page=3
    )
    assert (first.similarity, first.dense_rank, first.HasField("sparse_rank")) == (0.25, 1, False)
    assert (second.HasField("source"), second.HasField("similarity"), second.sparse_rank) == (False, False, 1)
    assert written.mode == pb.SEARCH_MODE_HYBRID


def test_the_events_of_an_ingestion():
    event = ingest_event
    start = pb.IngestStart(collection="c", chunk_overlap=0)
    assert event(pb.IngestRequest(start=start)) == IngestStart("c", None, 0, dry_run=False)
    start = pb.IngestStart(collection="c", language="es")
    assert event(pb.IngestRequest(start=start)) == IngestStart("c", language="es")
    assert event(pb.IngestRequest(document=pb.IngestDocument(source="s"))) == Document("s")
    full = pb.IngestDocument(source="s", id="i", media_type="text/html", metadata={"n": number(1)})
    assert event(pb.IngestRequest(document=full)) == Document(
        "s", id="i", media_type="text/html", metadata={"n": 1}
    )
    assert event(pb.IngestRequest(data=b"")) == b""
    assert event(pb.IngestRequest(prune=pb.IngestPrune(prefixes=["a"]))) == Prune(("a",))
    with pytest.raises(InvalidArgument, match="event: set start"):
        event(pb.IngestRequest())


def test_the_results_of_an_ingestion():
    document = IngestedDocument("i", "s", Outcome.FAILED, 2, 1, "why", ("decoded as x",))
    assert documents.RESULTS.message(document).document == pb.IngestedDocument(
        id="i",
        source="s",
        outcome=pb.INGEST_OUTCOME_FAILED,
        chunks=2,
        embedded=1,
        message="why",
        notes=["decoded as x"],
    )
    finished = IngestFinished(added=3, pruned=1, chunks=9, embedded=4)
    assert documents.RESULTS.message(finished).finished == pb.IngestFinished(
        added=3, pruned=1, chunks=9, embedded=4
    )
