"""What operators see of real calls: metrics over HTTP, and one line in the log for each call."""

import asyncio
import logging
import urllib.request
from collections import Counter

import grpc
import pytest
from prometheus_client.parser import text_string_to_metric_families

from jarvis.core.telemetry.metrics import ALL
from jarvis.v1 import embedding_pb2, generation_pb2, retrieval_pb2, server_pb2

GENERATE = "jarvis.v1.GenerationService/Generate"
STREAM = "jarvis.v1.GenerationService/GenerateStream"
PRIVATE = "a text that nobody else may read"


@pytest.fixture(scope="module")
async def server(start):
    sets = [
        "telemetry.adapter=opentelemetry",
        "models.slow.adapter=echo",
        "models.slow.settings.tokens_per_second=20",
        "default_route=echo",
    ]
    async with start(*sets) as running:
        yield running


@pytest.fixture
def scrape(server):
    async def read():
        """Return every series by name and labels."""
        url = f"http://{server.instance.http_address}/metrics"
        page = await asyncio.to_thread(lambda: urllib.request.urlopen(url, timeout=10).read().decode())
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(page)
            for sample in family.samples
        }

    return read


@pytest.fixture
def change(scrape):
    """Tell by how much series changed while `calls` ran."""

    async def measure(calls):
        before = await scrape()
        await calls()
        after = await scrape()
        return lambda name, **labels: sum(
            value - before.get(key, 0)
            for key, value in after.items()
            if key[0] == name and labels.items() <= dict(key[1]).items()
        )

    return measure


def prompt(text="one two three", **fields):
    return generation_pb2.GenerateRequest(prompt=text, **fields)


def slowly(text="a b c " * 30):
    return generation_pb2.GenerateStreamRequest(model="slow", prompt=text)


async def test_a_request_is_measured_once(server, change):
    changed = await change(lambda: server.generation.Generate(prompt()))

    genai = {"gen_ai_request_model": "echo", "gen_ai_operation_name": "text_completion"}
    assert changed("rpc_server_call_duration_seconds_count", rpc_method=GENERATE) == 1
    assert changed("rpc_server_call_duration_seconds_count", rpc_status_code="OK") == 1
    assert changed("gen_ai_server_request_duration_seconds_count", **genai) == 1
    assert changed("gen_ai_server_time_to_first_token_seconds_count", **genai) == 1
    assert changed("gen_ai_server_time_per_output_token_seconds_count", **genai) == 1
    assert changed("gen_ai_client_token_usage_count", **genai) == 2
    assert changed("jarvis_queries_total", model="echo") == 1
    assert changed("jarvis_query_latency_seconds_count", model="echo") == 1
    assert changed("jarvis_tokens_total", model="echo", type="output") > 1
    assert changed("jarvis_tokens_total", model="echo", type="input") > 1


async def test_the_difficulty_of_a_conversation_is_its_range(server, change):
    message = generation_pb2.Message(role=generation_pb2.ROLE_USER, content="Hello!")
    request = generation_pb2.GenerateRequest(messages=[message])
    changed = await change(lambda: server.generation.Generate(request))

    assert changed("jarvis_queries_total", difficulty_range="0-20") == 1


async def test_embeddings_and_searches_are_measured(server, change):
    async def calls():
        texts = embedding_pb2.EmbedRequest(texts=["x", "y"], role=embedding_pb2.TEXT_ROLE_DOCUMENT)
        await server.embedding.Embed(texts)
        await server.embedding.Embed(texts)
        await server.retrieval.CreateCollection(retrieval_pb2.CreateCollectionRequest(name="docs"))
        await server.retrieval.Search(retrieval_pb2.SearchRequest(collection="docs", text="x"))

    changed = await change(calls)

    assert changed("gen_ai_server_request_duration_seconds_count", gen_ai_operation_name="embeddings") == 3
    assert changed("jarvis_embedding_cache_misses_total", tier="memory") == 3
    assert changed("jarvis_embedding_cache_hits_total", tier="memory") == 2
    assert changed("jarvis_embedding_batch_size_sum") == 3
    assert changed("jarvis_retrieval_latency_seconds_count", mode="hybrid") == 1


async def test_calls_that_are_refused_or_end_early_are_told_apart(server, change, rest):
    async def calls():
        with pytest.raises(grpc.aio.AioRpcError):
            await server.generation.Generate(prompt(model="nobody"))
        with pytest.raises(grpc.aio.AioRpcError):
            await server.generation.Generate(prompt(), metadata=(("x-request-id", "x" * 200),))

        left = server.generation.GenerateStream(slowly())
        await left.read()
        left.cancel()
        with pytest.raises(grpc.aio.AioRpcError):
            await rest(server.generation.GenerateStream(slowly(), timeout=0.3))
        aborted = server.generation.GenerateStream(slowly(), metadata=(("x-request-id", "victim"),))
        await aborted.read()
        await server.server.Abort(server_pb2.AbortRequest(request_id="victim"))
        with pytest.raises(grpc.aio.AioRpcError):
            await rest(aborted)
        while (await server.server.GetStatus(server_pb2.GetStatusRequest())).active_requests:
            await asyncio.sleep(0.01)

    changed = await change(calls)

    assert changed("jarvis_rejections_total", rpc_method=GENERATE, reason="MODEL_NOT_FOUND") == 1
    assert changed("jarvis_rejections_total", rpc_method=GENERATE, reason="INVALID_ARGUMENT") == 1
    assert changed("jarvis_rejections_total") == 2
    for reason in ("caller", "deadline", "abort"):
        assert changed("jarvis_cancellations_total", rpc_method=STREAM, reason=reason) == 1, reason
    for code, reason in (
        *(2 * (code,) for code in ("CANCELLED", "DEADLINE_EXCEEDED")),
        ("ABORTED", "REQUEST_ABORTED"),
    ):
        labels = {"rpc_status_code": code, "error_type": reason}
        assert changed("rpc_server_call_duration_seconds_count", **labels) == 1
    assert changed("gen_ai_server_request_duration_seconds_count", error_type="cancelled") == 3
    assert changed("jarvis_query_latency_seconds_count") == 0, "no answer came to its end"


async def test_what_runs_and_what_is_well_is_read_when_it_is_asked_for(server, scrape):
    def of(series, metric, /, **labels):
        return series[metric, frozenset(labels.items())]

    call = server.generation.GenerateStream(slowly())
    await call.read()
    series = await scrape()
    assert of(series, "jarvis_streams_active", rpc_method=STREAM) == 1
    assert of(series, "jarvis_requests_active", model="slow") == 1
    assert of(series, "jarvis_queue_depth", port="llm", name="slow") == 0
    assert of(series, "jarvis_queue_depth", port="embedder", name="hashing") == 0
    assert of(series, "jarvis_circuit_breaker_open", model="slow") == 0
    assert of(series, "jarvis_adapter_healthy", port="llm", name="slow", adapter="echo") == 1
    assert of(series, "jarvis_adapter_restarts", port="store", name="memory", adapter="memory") == 0
    assert Counter(name for name, _ in series)["jarvis_build_info"] == 1
    call.cancel()


async def test_the_tasks_of_calls_are_counted_while_they_run(server, scrape):
    async def tasks():
        return (await scrape())["jarvis_tasks", frozenset()]

    idle = await tasks()
    calls = [server.generation.GenerateStream(slowly()) for _ in range(10)]
    for call in calls:
        await call.read()
    assert await tasks() >= idle + len(calls)
    for call in calls:
        call.cancel()
    async with asyncio.timeout(10):
        while await tasks() > idle:
            await asyncio.sleep(0.1)


async def test_nobody_can_make_up_series(server, scrape):
    async def nonsense(number):
        junk = f"junk-{number}"
        for model, fields in [(junk, {}), ("echo", {"template": junk}), ("echo", {"language": junk})]:
            with pytest.raises(grpc.aio.AioRpcError):
                await server.generation.Generate(prompt(model=model, **fields))
        metadata = (("x-request-id", junk), ("traceparent", junk), (f"x-{junk}", junk))
        await server.generation.Generate(prompt(junk), metadata=metadata)
        with pytest.raises(grpc.aio.AioRpcError):
            await server.retrieval.Search(retrieval_pb2.SearchRequest(collection=junk, text=junk))
        unknown = server.channel.unary_unary(f"/jarvis.v1.GenerationService/{junk}")
        with pytest.raises(grpc.aio.AioRpcError):
            await unknown(b"")
        unknown = server.channel.unary_unary(f"/jarvis.{junk}/Call")
        with pytest.raises(grpc.aio.AioRpcError):
            await unknown(b"")

    await nonsense(0)
    before = (await scrape()).keys()
    for number in range(1, 6):
        await nonsense(number)
    assert (await scrape()).keys() == before


def line(caplog, method):
    (record,) = [one for one in caplog.records if getattr(one, "method", "") == method]
    return vars(record)


async def test_each_call_is_one_line_in_the_log(server, caplog):
    caplog.set_level(logging.INFO, "jarvis")
    await server.generation.Generate(prompt(PRIVATE))

    found = line(caplog, GENERATE)
    assert (found["code"], found["model"], found["routing"]) == ("OK", "echo", "named")
    assert found["finish_reason"] == "stop"
    assert min(found["prompt_tokens"], found["completion_tokens"]) > 1
    assert 0 < found["time_to_first_token_seconds"] <= found["seconds"]
    assert PRIVATE not in str([vars(record) for record in caplog.records])


async def test_the_line_of_a_refused_call_says_why(server, caplog):
    caplog.set_level(logging.INFO, "jarvis")
    with pytest.raises(grpc.aio.AioRpcError):
        await server.generation.Generate(prompt(model="nobody"))

    found = line(caplog, GENERATE)
    assert (found["code"], found["reason"]) == ("NOT_FOUND", "MODEL_NOT_FOUND")


async def test_texts_are_logged_where_that_is_switched_on(start, caplog):
    caplog.set_level(logging.INFO, "jarvis")
    async with start("log.text=true") as server:
        await server.generation.Generate(prompt(PRIVATE))

    found = line(caplog, GENERATE)
    assert found["prompt"] == PRIVATE
    assert PRIVATE in found["answers"][0]


async def test_the_catalogue_names_each_metric_once():
    assert len({metric.name for metric in ALL}) == len(ALL)
