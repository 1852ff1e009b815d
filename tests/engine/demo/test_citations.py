"""Answers from sources: the real vLLM, the real MiniLM, the real Chroma."""

from pathlib import Path

import pytest

from jarvis.v1 import generation_pb2 as pb
from jarvis.v1 import retrieval_pb2
from scripts import demo

pytestmark = pytest.mark.engine
S = pb.SamplingParams(temperature=0, max_tokens=40)
DOCUMENTS = {
    "bridge.md": "# The Quillfeather bridge\n\nThe Quillfeather bridge is of oak. It was built in 1931.\n",
    "mill.md": "# The mill\n\nThe mill at Orsk grinds rye. Its wheel has forty blades.\n",
    "ferry.md": "# The ferry\n\nThe ferry leaves Port Ambry at noon, and crosses the bay in an hour.\n",
}

LIGHTHOUSE = {path.name: path.read_text() for path in Path(demo.ROOT, demo.DOCUMENTS).iterdir()}


@pytest.fixture(scope="module")
async def engine(engine):
    """The engine, with documents in the collection `places`."""
    await ingest(engine, "places", DOCUMENTS)
    return engine


async def ingest(engine, collection, documents):
    await engine.retrieval.CreateCollection(retrieval_pb2.CreateCollectionRequest(name=collection))
    requests = [retrieval_pb2.IngestRequest(start=retrieval_pb2.IngestStart(collection=collection))]
    for source, text in documents.items():
        document = retrieval_pb2.IngestDocument(source=source)
        requests += [
            retrieval_pb2.IngestRequest(document=document),
            retrieval_pb2.IngestRequest(data=text.encode()),
        ]
    events = [event async for event in engine.retrieval.Ingest(iter(requests), timeout=60)]
    assert events[-1].finished.added == len(documents)


async def ask(engine, question, **retrieval):
    wanted = pb.Retrieval(**{"collection": "places", "rerank": False, **retrieval})
    messages = [pb.Message(role=pb.ROLE_USER, content=question)]
    request = pb.GenerateRequest(messages=messages, sampling=S, retrieval=wanted)
    return await engine.generation.Generate(request, timeout=60)


def sources(answer):
    return [citation.source.source for citation in answer.retrieved.citations]


async def test_it_answers_from_what_was_ingested(engine):
    answer = await ask(engine, "When was the Quillfeather bridge built?")

    assert "bridge.md" in sources(answer)
    assert "1931" in answer.choices[0].text
    assert set(answer.choices[0].cited) <= {citation.number for citation in answer.retrieved.citations}


async def test_the_demo_asks_what_the_model_does_answer(engine):
    await ingest(engine, "lighthouse", LIGHTHOUSE)
    answer = await ask(engine, demo.QUESTION, collection="lighthouse")

    assert demo.ANSWER in answer.choices[0].text
    assert demo.ANSWER_IS_IN in sources(answer)


async def test_what_is_far_from_the_question_is_no_source(engine):
    answer = await ask(engine, "How do I bake sourdough bread?")

    assert answer.HasField("retrieved")
    assert sources(answer) == []


async def test_another_question_over_the_same_sources_finds_them_in_the_prefix_cache(engine):
    log = "\n".join(f"On day {day} the ferry carried {day * 37 % 91} people." for day in range(1, 13))
    rows = [retrieval_pb2.Row(id=f"week {week}", text=f"Week {week}\n{log}") for week in (1, 2, 3)]
    await engine.retrieval.CreateCollection(retrieval_pb2.CreateCollectionRequest(name="ferry-log"))
    await engine.retrieval.Upsert(
        retrieval_pb2.UpsertRequest(collection="ferry-log", rows=rows, truncate=True)
    )

    everything = {"collection": "ferry-log", "min_similarity": -1, "top_k": 3}
    first = await ask(engine, "How many people did the ferry carry on day 3?", **everything)
    second = await ask(engine, "On which day of week 2 were there most people?", **everything)

    assert [citation.id for citation in second.retrieved.citations] == ["week 1", "week 2", "week 3"]
    assert second.usage.cached_tokens > first.usage.cached_tokens
    block, question = 128, 30
    assert second.usage.cached_tokens > first.usage.prompt_tokens - question - block


async def test_the_budget_is_counted_in_tokens_of_the_model(engine):
    question = "Where does the ferry leave?"
    everything = {"min_similarity": -1, "top_k": 3}
    none = await ask(engine, question, max_tokens=1, **everything)
    assert (sources(none), none.retrieved.left_out) == ([], 3)

    whole = await ask(engine, question, **everything)
    budget = 45
    some = await ask(engine, question, max_tokens=budget, **everything)
    assert 0 < len(sources(some)) < 3
    assert "ferry.md" in sources(some), "the best goes first"
    assert some.usage.prompt_tokens - none.usage.prompt_tokens <= budget
    assert some.usage.prompt_tokens < whole.usage.prompt_tokens
