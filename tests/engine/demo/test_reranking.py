"""The real model as a reranker. It is too small to be a good one: its scores have to be what it says."""

import asyncio
import math

import pytest

from jarvis.core.generation.reranker import QUESTIONS
from jarvis.models.catalogue import DEMO_MODEL
from jarvis.v1 import embedding_pb2, retrieval_pb2
from jarvis.v1 import generation_pb2 as pb

pytestmark = pytest.mark.engine
QUERY = "When does the ferry leave?"
DOCUMENTS = ["The ferry leaves Port Ambry at noon.", "The mill grinds rye.", "Oak is a hard wood."]


@pytest.fixture(scope="module")
async def engine(engine):
    """The engine, once the reranker is ready, which it is a moment after its model."""
    await engine.serving(service=f"jarvis.v1.EmbeddingService/{DEMO_MODEL}")
    return engine


async def rerank(engine, query, documents, **fields):
    request = embedding_pb2.RerankRequest(query=query, documents=documents, **fields)
    return await engine.embedding.Rerank(request, timeout=120)


def scores(response):
    return {one.index: one.score for one in response.results}


async def probability(engine, query, document, language):
    """Ask the model itself, as any caller can, how likely yes is among yes and no."""
    question = QUESTIONS[language]
    content = question.text.format(query=query, document=document)

    async def beginning(word):
        request = pb.GenerateRequest(
            messages=[pb.Message(role=pb.ROLE_USER, content=content)],
            sampling=pb.SamplingParams(max_tokens=1, temperature=0),
            structured_output=pb.StructuredOutput(choice=pb.Choices(values=[word])),
            return_token_ids=True,
            template="",
        )
        return (await engine.generation.Generate(request, timeout=60)).choices[0].token_ids[0]

    yes, no = [[await beginning(word) for word in words] for words in (question.yes, question.no)]
    sampling = pb.SamplingParams(max_tokens=1, temperature=0, logprob_token_ids=[*yes, *no])
    request = pb.GenerateRequest(
        messages=[pb.Message(role=pb.ROLE_USER, content=content)], sampling=sampling, template=""
    )
    answer = await engine.generation.Generate(request, timeout=60)
    likely = {top.token_id: math.exp(top.logprob) for top in answer.choices[0].logprobs[0].top}
    both = [sum(likely.get(id_, 0) for id_ in {*ids} - {*others}) for ids, others in ((yes, no), (no, yes))]
    return both[0] / sum(both)


@pytest.mark.parametrize(
    ("query", "language"), [(QUERY, "en"), ("¿A qué hora sale el barco de Port Ambry por la mañana?", "es")]
)
async def test_a_score_is_what_the_model_says_of_yes_and_no(engine, query, language):
    response = await rerank(engine, query, DOCUMENTS)
    assert response.model == DEMO_MODEL
    found = scores(response)
    assert sorted(found.values(), reverse=True) == [one.score for one in response.results]
    for index, document in enumerate(DOCUMENTS):
        assert 0 < found[index] < 1
        expected = await probability(engine, query, document, language)
        assert found[index] == pytest.approx(expected, abs=1e-3)


async def test_documents_are_scored_each_for_itself_whoever_asks_meanwhile(engine):
    alone = scores(await rerank(engine, QUERY, DOCUMENTS))
    together = await asyncio.gather(*(rerank(engine, QUERY, DOCUMENTS * 4) for _ in range(4)))
    for response in together:
        for index, score in scores(response).items():
            assert score == pytest.approx(alone[index % 3], abs=1e-2)


async def test_searches_and_answers_use_it(engine):
    await engine.retrieval.CreateCollection(retrieval_pb2.CreateCollectionRequest(name="reranked"))
    rows = [retrieval_pb2.Row(id=str(number), text=text) for number, text in enumerate(DOCUMENTS)]
    await engine.retrieval.Upsert(retrieval_pb2.UpsertRequest(collection="reranked", rows=rows))
    search = retrieval_pb2.SearchRequest(collection="reranked", text=QUERY)
    found = await engine.retrieval.Search(search, timeout=60)
    assert found.reranked
    expected = scores(await rerank(engine, QUERY, DOCUMENTS))
    assert {int(hit.id): hit.rerank_score for hit in found.hits} == pytest.approx(expected, abs=1e-2)

    request = pb.GenerateRequest(
        messages=[pb.Message(role=pb.ROLE_USER, content=QUERY)],
        sampling=pb.SamplingParams(temperature=0, max_tokens=20),
        retrieval=pb.Retrieval(collection="reranked"),
    )
    answers = await asyncio.gather(*(engine.generation.Generate(request, timeout=120) for _ in range(3)))
    assert all(answer.retrieved.reranked for answer in answers)
