"""What a server sent before values were defined once is still read, whole."""

from pathlib import Path

import pytest

from jarvis_ports import values
from jarvis_ports.values import FinishReason, IngestFinished, Outcome, RoutingReason, SearchMode, State
from tests.unit.wire.codecs import PAIRS

RECORDED = {path.name: path for path in sorted((Path(__file__).parent / "recorded").glob("*.binpb"))}
BY_NAME = {pair.message.DESCRIPTOR.name: pair for pair in PAIRS}


def read(name):
    (path,) = [path for file, path in RECORDED.items() if file.startswith(f"{name}.")]
    pair = BY_NAME[path.suffixes[0][1:]]
    return pair.read(pair.message.FromString(path.read_bytes()))


@pytest.mark.parametrize("file", RECORDED)
def test_what_is_read_is_written_as_it_was(file):
    pair = BY_NAME[RECORDED[file].suffixes[0][1:]]
    sent = pair.message.FromString(RECORDED[file].read_bytes())
    assert pair.write(pair.read(sent)) == sent


def test_a_stream():
    started, delta, finished = (read(f"stream_{one}").event for one in ("started", "delta", "finished"))
    assert (started.model, started.routing.reason) == ("echo", RoutingReason.ROUTED)
    assert [one.number for one in started.retrieved.citations] == [1, 2]
    assert delta.token_ids
    assert finished.reason in FinishReason
    assert finished.timings.retrieval_seconds > 0


def test_an_answer():
    answer = read("answer")
    assert answer.text
    assert answer.usage.completion_tokens == 4
    assert answer.retrieved.citations[0].text == "red house"


def test_a_search():
    found = read("search")
    assert found.mode is SearchMode.HYBRID
    assert found.hits[0].metadata == {"n": 1, "d": 1.5, "b": True, "s": "x"}
    assert [one.id for one in found.hits[0].duplicates] == ["b"]
    assert found.hits[1].source == values.ChunkSource("c.md", "c.md", 0, 9)


def test_an_ingestion():
    assert read("ingest0").outcome is Outcome.ADDED
    assert read("ingest1") == IngestFinished(added=1, chunks=1, embedded=1)


def test_the_state_of_the_server():
    status = read("status")
    assert status.state is State.READY
    assert [model.name for model in status.models] == ["echo"]
    assert read("models").models[0].is_default


def test_vectors():
    found = read("embeddings")
    assert found.vectors.shape == (2, 64)
    assert found.vectors.tolist() == found.lists()
