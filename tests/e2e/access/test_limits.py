"""Callers that are held to their limits, and told what they used."""

from datetime import UTC, datetime

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from jarvis.client import JarvisClient, JarvisClientError
from jarvis.v1 import embedding_pb2, generation_pb2, retrieval_pb2, server_pb2

TODAY = datetime.now(UTC).date().isoformat()


@pytest.fixture
async def server(start, file, tmp_path):
    callers = [
        'callers.few={roles=["infer"], requests_per_minute=2}',
        'callers.small={roles=["infer"], tokens_per_minute=100}',
        'callers.daily={roles=["infer"], tokens_per_day=100}',
    ]
    sets = [f'auth.keys="{file}"', "limits.tokens_per_minute=1000", f'limits.usage="{tmp_path}/u.sqlite"']
    async with start(*sets, *callers, "models.echo.settings.tokens_per_second=1000") as running:
        yield running


@pytest.fixture
def client(server, key):
    """Make a client of a caller."""

    def client(caller, *roles):
        return JarvisClient(server.instance.addresses[0], token=key(caller, *roles), attempts=1)

    return client


async def refusal(work):
    with pytest.raises(JarvisClientError) as caught:
        await work
    error = caught.value
    assert (error.code, error.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "LIMIT_EXCEEDED")
    return error


async def test_requests_of_a_minute(client):
    async with client("few") as jarvis:
        await jarvis.generate("one", max_tokens=2)
        await jarvis.embed(["two"])
        for work in (jarvis.generate("three"), jarvis.embed(["a"]), jarvis.retrieval.collections()):
            error = await refusal(work)
            assert 0 < error.retry_after <= 120
        await jarvis.models()  # asks nothing of a model
        assert (await jarvis.usage())[0].caller == "few"


async def test_tokens_of_a_minute_are_reserved_and_settled(client):
    async with client("small") as jarvis:
        error = await refusal(jarvis.generate("one two three", max_tokens=200))
        assert error.retry_after is None
        assert "lower max_tokens" in str(error)
        for _ in range(5):  # each reserves 64 of 100, and uses 6
            await jarvis.generate("one two three", max_tokens=60)
        events = jarvis.stream("one " * 10, max_tokens=40, ignore_eos=True)
        await anext(events)
        error = await refusal(jarvis.embed(["word " * 40]))
        assert 0 < error.retry_after <= 120
        await events.aclose()
        await jarvis.embed(["word " * 10])


async def test_which_limit_it_was_is_in_the_details(server, key):
    metadata = (("authorization", f"Bearer {key('daily')}"),)
    request = generation_pb2.GenerateRequest(
        prompt="a", sampling=generation_pb2.SamplingParams(max_tokens=200)
    )
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await server.generation.Generate(request, metadata=metadata)
    trailing = dict(caught.value.trailing_metadata())
    status = status_pb2.Status.FromString(trailing["grpc-status-details-bin"])
    info = error_details_pb2.ErrorInfo()
    assert any(detail.Unpack(info) for detail in status.details)
    assert (info.reason, info.metadata["limit"]) == ("LIMIT_EXCEEDED", "tokens_per_day")


async def test_a_stream_that_is_cut_off_is_counted_too(client):
    async with client("cut") as jarvis:
        events = jarvis.stream("one two", max_tokens=400, ignore_eos=True)
        for _ in range(20):
            await anext(events)
        await events.aclose()
        (used,) = await jarvis.usage()
    assert (used.day, used.model, used.requests, used.prompt_tokens) == (TODAY, "echo", 1, 2)
    assert 0 < used.completion_tokens < 400


async def test_who_may_see_whose_usage(client, failure):
    for caller in ("a", "b"):
        async with client(caller) as jarvis:
            await jarvis.generate("one", max_tokens=2)
            await jarvis.embed(["one two"])
            assert {one.caller for one in await jarvis.usage(days=400)} == {caller}
            with pytest.raises(JarvisClientError, match="needs the role observe or admin"):
                await jarvis.usage(caller="somebody")
            with pytest.raises(JarvisClientError, match="days: must be between 1 and 400, got 401"):
                await jarvis.usage(days=401)
    async with client("watcher", "observe") as jarvis:
        assert {(one.caller, one.model) for one in await jarvis.usage()} >= {("a", "echo"), ("b", "hashing")}
        assert {one.caller for one in await jarvis.usage(caller="b")} == {"b"}
        assert await jarvis.usage(caller="nobody") == ()


async def test_every_method_but_those_of_the_server_is_counted(server, key, failure):
    metadata = (("authorization", f"Bearer {key('few', 'infer', 'write', 'observe', 'admin')}"),)
    for _ in range(2):
        await server.generation.CountTokens(generation_pb2.CountTokensRequest(prompt="a"), metadata=metadata)
    embedding, retrieval = embedding_pb2.EmbedRequest(texts=["a"]), retrieval_pb2.ListCollectionsRequest()
    for call in (
        server.generation.Generate(generation_pb2.GenerateRequest(prompt="a"), metadata=metadata),
        server.embedding.Embed(embedding, metadata=metadata),
        server.retrieval.ListCollections(retrieval, metadata=metadata),
    ):
        assert (await failure(call))[:2] == ("RESOURCE_EXHAUSTED", "LIMIT_EXCEEDED")
    await server.server.GetStatus(server_pb2.GetStatusRequest(), metadata=metadata)
    assert await failure(server.server.Abort(server_pb2.AbortRequest(request_id="x"), metadata=metadata)) == (
        "NOT_FOUND",
        "REQUEST_NOT_FOUND",
        [],
        None,
    )


async def test_usage_survives_a_restart(start, file, key, tmp_path):
    sets = [f'auth.keys="{file}"', f'limits.usage="{tmp_path}/kept.sqlite"', "limits.tokens_per_day=50"]
    shown = key("team")
    for expected in (1, 2):
        async with start(*sets) as running:
            address = running.instance.addresses[0]
            async with JarvisClient(address, token=shown, attempts=1) as jarvis:
                await jarvis.generate("one two", max_tokens=10)
                assert (await jarvis.usage())[0].requests == expected
                if expected == 2:
                    await refusal(jarvis.generate("one two", max_tokens=45))
