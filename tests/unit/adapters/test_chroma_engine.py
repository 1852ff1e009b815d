"""What is kept in Chroma, and what a kill may leave there."""

from dataclasses import replace

import chromadb
import numpy as np
import pytest
from chromadb.config import Settings

from jarvis_adapters.chroma import reading
from jarvis_adapters.chroma.engine import Engine
from jarvis_adapters.chroma.errors import NoSuchCollection
from jarvis_adapters.chroma.records import record
from jarvis_ports.errors import StoreFailure
from jarvis_ports.filters import Equals
from jarvis_ports.store import CollectionSpec, IndexSettings, Row, Space

SPEC = CollectionSpec("papers", 2, "model", "1")
NEW = CollectionSpec("papers", 2, "model", "2", IndexSettings(Space.L2))
VECTORS = np.array([[1, 0], [0, 1]], np.float32)


@pytest.fixture
def client(tmp_path):
    with chromadb.PersistentClient(str(tmp_path), settings=Settings(anonymized_telemetry=False)) as client:
        yield client


@pytest.fixture
def engine(client):
    """A collection with an old row, and a rebuild of it that has its new row."""
    engine = Engine(client)
    engine.create(SPEC)
    engine.upsert("papers", [Row("old", "old")], VECTORS[:1])
    engine.begin(NEW, "rebuild-1")
    engine.upsert("rebuild-1", [Row("new", "new")], VECTORS[:1])
    return engine


def whole(client):
    """Do what a swap does first."""
    client.get_collection("rebuild-1", embedding_function=None).modify(metadata=record(NEW))


def recovered(client, *, alone=True):
    engine = Engine(client)
    engine.recover(alone=alone)
    return engine.specs(), engine.ids("papers"), sorted(one.name for one in client.list_collections())


def test_a_rebuild_that_was_killed_is_gone_at_the_next_start(client, engine):
    assert engine.specs() == [SPEC]
    assert recovered(client) == ([SPEC], ["old"], ["papers"])


def test_a_rebuild_of_another_client_is_left_alone(client, engine):
    assert recovered(client, alone=False) == ([SPEC], ["old"], ["papers", "rebuild-1"])


def test_the_next_rebuild_deletes_what_one_left(client, engine):
    engine.begin(NEW, "rebuild-2")
    assert sorted(one.name for one in client.list_collections()) == ["papers", "rebuild-2"]


@pytest.mark.parametrize("old_is_deleted", [False, True])
def test_a_swap_that_was_killed_is_finished_at_the_next_start(client, engine, old_is_deleted):
    whole(client)
    if old_is_deleted:
        client.delete_collection("papers")
    assert recovered(client) == ([NEW], ["new"], ["papers"])


@pytest.mark.parametrize("name", ["a..b", "192.168.1.1"])
def test_a_swap_that_was_killed_is_finished_where_chroma_refuses_the_name(client, name):
    spec, engine = replace(SPEC, name=name), Engine(client)
    engine.create(spec)
    engine.begin(spec, "rebuild-1")
    engine.upsert("rebuild-1", [Row("new", "new")], VECTORS[:1])
    client.get_collection("rebuild-1", embedding_function=None).modify(metadata=record(spec))
    engine = Engine(client)
    engine.recover(alone=True)
    assert (engine.specs(), engine.ids(name)) == ([spec], ["new"])
    engine = Engine(client)
    engine.recover(alone=True)
    assert (engine.specs(), engine.ids(name)) == ([spec], ["new"])


def test_a_swap_whose_end_fails_answers_from_the_new_one(client, engine, monkeypatch):
    def fail(_):
        msg = "disk full"
        raise RuntimeError(msg)

    monkeypatch.setattr(client, "delete_collection", fail)
    engine.swap(NEW, "rebuild-1")
    engine.abandon("rebuild-1")
    assert engine.ids("papers") == ["new"]
    monkeypatch.undo()
    assert recovered(client) == ([NEW], ["new"], ["papers"])


def test_a_collection_that_is_not_ours_is_not_touched(client):
    client.create_collection("theirs", metadata={"a": 1}, embedding_function=None)
    engine = Engine(client)
    engine.recover(alone=True)
    assert engine.specs() == []
    with pytest.raises(NoSuchCollection):
        engine.drop("theirs")
    with pytest.raises(StoreFailure, match="that Jarvis did not make; choose another name"):
        engine.create(CollectionSpec("theirs", 2, "model", "1"))
    assert [one.name for one in client.list_collections()] == ["theirs"]


def test_an_index_that_finds_too_few_is_made_up_for(engine, monkeypatch):
    handle = engine._open("papers")[0]
    engine.upsert("papers", [Row("b", "b", {"x": 1}), Row("c", "c", {"x": 1})], VECTORS)
    real = handle.query

    def forgetful(**arguments):
        found = real(**arguments)
        return {
            **found,
            **{key: [found[key][0][:1]] for key in ("ids", "documents", "metadatas", "distances")},
        }

    monkeypatch.setattr(handle, "query", forgetful)
    assert [match.row.id for match in engine.query("papers", VECTORS[1], 2, Equals("x", 1))] == ["c", "b"]
    assert len(engine.query("papers", VECTORS[1], 9, None)) == 3


def test_a_row_that_the_index_lost_is_unreachable_unless_its_vector_is_found(engine, monkeypatch):
    engine.upsert("papers", [Row("same", "same"), Row("other", "other")], VECTORS)
    handle = engine._open("papers")[0]
    real = handle.query

    def hides(lost):
        def query(**arguments):
            found = real(**arguments)
            kept = [[i for i, id_ in enumerate(ids) if id_ not in lost] for ids in found["ids"]]
            return {
                key: [[one[i] for i in keep] for one, keep in zip(found[key], kept, strict=True)]
                for key in ("ids", "distances")
            }

        monkeypatch.setattr(handle, "query", query)
        return reading.unreachable(handle, SPEC, ["old", "same", "other"])

    assert hides({"same"}) == []
    assert hides({"other"}) == ["other"]
    assert hides({"old", "same"}) == ["old", "same"]
