"""Answers from sources, over real gRPC; echo answers with the user's whole prompt, markers included."""

import pytest

from jarvis.v1 import generation_pb2 as pb
from jarvis.v1 import retrieval_pb2, server_pb2

USER, SYSTEM, ASSISTANT = pb.ROLE_USER, pb.ROLE_SYSTEM, pb.ROLE_ASSISTANT
CONTEXT = 150
TEXTS = {
    "paris": "Paris is the capital of France. See [2] and <|im_start|>.",
    "rome": "Rome is the capital of Italy.",
    "bread": "Flour and water make bread.",
}


@pytest.fixture(scope="module")
async def server(start):
    async with start(
        "models.slow.adapter=echo",
        "models.slow.settings.tokens_per_second=20",
        "models.small.adapter=echo",
        f"models.small.settings.context_length={CONTEXT}",
        "retrieval.min_similarity=0",
    ) as running:
        retrieval = running.retrieval
        for name in ("towns", "empty"):
            await retrieval.CreateCollection(retrieval_pb2.CreateCollectionRequest(name=name))
        rows = [retrieval_pb2.Row(id=id_, text=text) for id_, text in TEXTS.items()]
        await retrieval.Upsert(retrieval_pb2.UpsertRequest(collection="towns", rows=rows))
        document = "# Madrid\n\nMadrid is the capital of Spain.\n"
        events = [
            retrieval_pb2.IngestRequest(start=retrieval_pb2.IngestStart(collection="towns")),
            retrieval_pb2.IngestRequest(document=retrieval_pb2.IngestDocument(source="madrid.md")),
            retrieval_pb2.IngestRequest(data=document.encode()),
        ]
        outcomes = [event async for event in retrieval.Ingest(iter(events))]
        assert outcomes[-1].finished.added == 1
        yield running


def ask(kind, text="What is the capital of France?", before=(), sampling=None, model="echo", **retrieval):
    messages = [*before, pb.Message(role=USER, content=text)]
    wanted = pb.Retrieval(**{"collection": "towns", "mode": retrieval_pb2.SEARCH_MODE_SPARSE, **retrieval})
    return kind(messages=messages, retrieval=wanted, sampling=sampling, model=model)


async def stream(server, *args, **fields):
    return [
        event
        async for event in server.generation.GenerateStream(ask(pb.GenerateStreamRequest, *args, **fields))
    ]


async def generate(server, *args, **fields):
    return await server.generation.Generate(ask(pb.GenerateRequest, *args, **fields))


async def test_a_stream_begins_with_the_sources_and_ends_with_what_was_cited(server):
    first, *deltas, last = await stream(server)

    retrieved = first.started.retrieved
    assert [citation.number for citation in retrieved.citations] == [1, 2, 3]
    text = "".join(event.delta.text for event in deltas)
    assert "capital of Spain" in text
    assert text.endswith("What is the capital of France?")
    assert list(last.finished.cited) == [1, 2, 3]
    assert list(last.finished.cited_unknown) == []
    timings = last.finished.timings
    assert 0 < timings.retrieval_seconds <= timings.time_to_first_token_seconds <= timings.total_seconds


async def test_generate_returns_what_the_stream_would(server):
    answer = await generate(server, sampling=pb.SamplingParams(n=2))
    events = await stream(server)

    assert answer.retrieved == events[0].started.retrieved
    assert [list(choice.cited) for choice in answer.choices] == [[1, 2, 3]] * 2
    assert answer.timings.HasField("retrieval_seconds")


async def test_a_citation_carries_the_text_as_it_is_and_the_prompt_an_escaped_one(server):
    answer = await generate(server, top_k=1)
    (citation,) = answer.retrieved.citations

    assert (citation.id, citation.text) == ("paris", TEXTS["paris"])
    assert "> Paris is the capital of France. See [ 2 ] and < |im_start|>." in answer.choices[0].text
    assert list(answer.choices[0].cited) == [1]
    assert not citation.HasField("source")
    assert not citation.HasField("similarity")


async def test_a_source_that_was_ingested_tells_its_place(server):
    (citation,) = (await generate(server, "What is the capital of Spain?", top_k=1)).retrieved.citations

    assert citation.source.source == "madrid.md"
    whole = "# Madrid\n\nMadrid is the capital of Spain.\n"
    assert whole[citation.source.start : citation.source.end] == citation.text


@pytest.mark.parametrize("mode", ["SEARCH_MODE_DENSE", "SEARCH_MODE_HYBRID", "SEARCH_MODE_UNSPECIFIED"])
async def test_similarities_are_told_where_there_are_any(server, mode):
    answer = await generate(server, mode=mode, min_similarity=-1)

    assert all(citation.HasField("similarity") for citation in answer.retrieved.citations)
    assert "paris" in [citation.id for citation in answer.retrieved.citations]


async def test_a_query_and_a_filter_choose_the_sources(server):
    answer = await generate(server, "And now?", query="bread", filter=retrieval_pb2.Filter(exists="nothing"))
    assert list(answer.retrieved.citations) == []

    answer = await generate(server, "And now?", query="bread")
    assert [citation.id for citation in answer.retrieved.citations] == ["bread"]


async def test_nothing_found_is_not_the_same_as_nothing_asked(server):
    answer = await generate(server, collection="empty")
    assert answer.HasField("retrieved")
    assert list(answer.retrieved.citations) == []
    assert "Nothing was found" in answer.choices[0].text

    plain = await server.generation.Generate(
        pb.GenerateRequest(messages=[pb.Message(role=USER, content="See [1]")])
    )
    assert not plain.HasField("retrieved")
    assert not plain.timings.HasField("retrieval_seconds")
    assert list(plain.choices[0].cited_unknown) == []


async def test_a_number_of_no_source_is_told(server):
    answer = await generate(server, "See [7] or [1, 9] on bread.", top_k=1)

    assert list(answer.choices[0].cited) == [1]
    assert list(answer.choices[0].cited_unknown) == [7, 9]


async def test_what_does_not_fit_is_left_out(server):
    answer = await generate(server, max_tokens=12)
    assert (len(answer.retrieved.citations), answer.retrieved.left_out) == (1, 2)

    whole = await generate(server, model="small")
    assert whole.retrieved.left_out == 0
    room = CONTEXT - whole.usage.prompt_tokens
    answer = await generate(server, model="small", sampling=pb.SamplingParams(max_tokens=room + 5))
    assert 0 < answer.retrieved.left_out < 3


MESSAGE = pb.Message(role=USER, content="a")
BAD = {
    "prompt": ({"prompt": "a"}, {}, "retrieval"),
    "last message": (
        {"messages": [MESSAGE, pb.Message(role=ASSISTANT, content="b")]},
        {},
        "messages[1].role",
    ),
    "empty query": ({"messages": [MESSAGE]}, {"query": ""}, "retrieval.query"),
    "top_k 0": ({"messages": [MESSAGE]}, {"top_k": 0}, "retrieval.top_k"),
    "top_k 101": ({"messages": [MESSAGE]}, {"top_k": 101}, "retrieval.top_k"),
    "max_tokens": ({"messages": [MESSAGE]}, {"max_tokens": 0}, "retrieval.max_tokens"),
    "mode": ({"messages": [MESSAGE]}, {"mode": 9}, "retrieval.mode"),
    "similarity of words": (
        {"messages": [MESSAGE]},
        {"mode": retrieval_pb2.SEARCH_MODE_SPARSE, "min_similarity": 0.5},
        "retrieval.min_similarity",
    ),
    "similarity": ({"messages": [MESSAGE]}, {"min_similarity": float("nan")}, "retrieval.min_similarity"),
    "filter": (
        {"messages": [MESSAGE]},
        {
            "filter": retrieval_pb2.Filter(
                negation=retrieval_pb2.Filter(range=retrieval_pb2.RangeFilter(field="a"))
            )
        },
        "retrieval.filter.negation.range",
    ),
    "query that is too long": (
        {"messages": [MESSAGE]},
        {"query": "word " * 100_000},
        "retrieval.query",
    ),
}


@pytest.mark.parametrize("kind", ["Generate", "GenerateStream"])
@pytest.mark.parametrize(("fields", "retrieval", "blamed"), BAD.values(), ids=BAD)
async def test_bad_requests_name_their_fields(server, failure, kind, fields, retrieval, blamed):
    request = {"Generate": pb.GenerateRequest, "GenerateStream": pb.GenerateStreamRequest}[kind](
        **fields, retrieval=pb.Retrieval(**{"collection": "towns", **retrieval})
    )
    code, _, named, _ = await failure(getattr(server.generation, kind)(request))

    assert (code, named) == ("INVALID_ARGUMENT", [blamed])


async def test_a_long_question_is_cut_off_for_the_search_alone(server):
    answer = await generate(server, "France? " * 1000, mode="SEARCH_MODE_HYBRID", min_similarity=-1)

    assert answer.choices[0].text.count("France?") == 1000


async def test_an_unknown_collection_is_not_found(server, failure):
    call = server.generation.GenerateStream(ask(pb.GenerateStreamRequest, collection="nowhere"))

    assert await failure(call) == ("NOT_FOUND", "COLLECTION_NOT_FOUND", [], None)


async def test_a_server_without_retrieval_says_so(start, failure):
    async with start("store.adapter=none") as bare:
        call = bare.generation.Generate(ask(pb.GenerateRequest))
        code, reason, _, _ = await failure(call)

    assert (code, reason) == ("UNIMPLEMENTED", "NOT_CONFIGURED")


async def test_an_answer_from_sources_can_be_aborted(server, failure, rest):
    request = ask(pb.GenerateStreamRequest, model="slow")
    call = server.generation.GenerateStream(request, metadata=(("x-request-id", "mine"),))
    await call.read()
    aborted = await server.server.Abort(server_pb2.AbortRequest(request_id="mine"))

    assert aborted.aborted == 1
    code, reason, *_ = await failure(rest(call))
    assert (code, reason) == ("ABORTED", "REQUEST_ABORTED")
