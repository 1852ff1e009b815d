"""An engine that takes conversations alone, counts no prompt and tells no usage can say so."""

from pathlib import Path

import grpc
import pytest

from jarvis.v1 import generation_pb2 as pb
from jarvis.v1 import retrieval_pb2

USER = pb.Message(role=pb.ROLE_USER, content="one two three four")
PROMPT = -(-len(USER.content) // 4)


@pytest.fixture
async def server(install, start):
    install("chat-only", Path(__file__).with_name("chat_only.py").read_text())
    async with start("models.echo.adapter=ChatOnly", "telemetry.adapter=opentelemetry") as running:
        yield running


@pytest.mark.slow
def test_it_passes_the_kit_which_finds_whoever_denies_it(run_kit):
    liars = dict.fromkeys(("SaysItCounts", "SaysItTells"), "test_deltas_are_not_cumulative")
    missed, failures = run_kit("chat_only", "LLMConformance", liars, whole="ChatOnly", seconds=1.0)
    assert (missed, failures) == (set(), set())


async def test_what_it_does_not_tell_is_estimated_and_called_an_estimate(server):
    request = pb.GenerateStreamRequest(messages=[USER])
    events = [event async for event in server.generation.GenerateStream(request)]
    assert events[0].started.prompt_tokens == PROMPT
    assert events[-1].finished.usage == pb.Usage(
        prompt_tokens=PROMPT, completion_tokens=PROMPT, estimated=True
    )
    page = server.application.instruments.exposition("").body.decode()
    assert "gen_ai_server_request_duration_seconds_count" in page
    assert "gen_ai_client_token_usage" not in page, "an estimate is no measurement"


async def test_a_raw_prompt_and_a_count_are_refused(server):
    for call, field in (
        (server.generation.Generate(pb.GenerateRequest(prompt="one")), b"prompt"),
        (server.generation.CountTokens(pb.CountTokensRequest(messages=[USER])), b"model"),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        packed = dict(caught.value.trailing_metadata())["grpc-status-details-bin"]
        assert b"UNSUPPORTED_FIELD" in packed
        assert field in packed


async def test_it_answers_from_sources(server):
    await server.retrieval.CreateCollection(retrieval_pb2.CreateCollectionRequest(name="notes"))
    row = retrieval_pb2.Row(id="1", text="Backups are kept for ninety days.")
    await server.retrieval.Upsert(retrieval_pb2.UpsertRequest(collection="notes", rows=[row]))
    retrieval = pb.Retrieval(collection="notes", min_similarity=-1)
    answer = await server.generation.Generate(pb.GenerateRequest(messages=[USER], retrieval=retrieval))
    assert [one.text for one in answer.retrieved.citations] == [row.text]
