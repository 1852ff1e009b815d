import asyncio
from collections.abc import AsyncIterator

import grpc
import pytest
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc

from jarvis.v1 import generation_pb2 as pb
from jarvis.v1 import generation_pb2_grpc, retrieval_pb2, server_pb2, server_pb2_grpc

USAGE = pb.Usage(prompt_tokens=5, cached_tokens=0, completion_tokens=2)
TIMINGS = pb.Timings(queue_seconds=0.0, time_to_first_token_seconds=0.25, total_seconds=0.5)
CITATIONS = [
    pb.Citation(
        number=1,
        id="c1",
        text="Paris is a city.",
        source=retrieval_pb2.ChunkSource(document_id="d", source="a.md", start=3, end=19),
        score=0.5,
        similarity=0.75,
    ),
    pb.Citation(number=2, id="row", text="Rome too.", score=0.25),
]


class FakeServer(
    generation_pb2_grpc.GenerationServiceServicer,
    server_pb2_grpc.ServerServiceServicer,
    health_pb2_grpc.HealthServicer,
):
    """Answers "Paris." to everything, after the failures, answers and streams that a test queues."""

    def __init__(self) -> None:
        self.address = ""
        self.requests: list[object] = []
        self.metadata: list[dict[str, str]] = []
        self.failures: list[tuple[grpc.StatusCode, str, list[object]]] = []
        self.failure_after_started: tuple[grpc.StatusCode, str, list[object]] | None = None
        self.texts = ["Par", "is."]
        self.citations = CITATIONS
        self.left_out = 4
        self.unfinished = 0
        self.delay = 0.0
        self.finish_reason = pb.FINISH_REASON_LENGTH
        self.stream_finish_reason = pb.FINISH_REASON_STOP
        self.answers: list[pb.GenerateResponse] = []
        self.streams: list[list[pb.GenerateStreamResponse]] = []
        self.hang_after_text = False
        self.hanging = asyncio.Event()
        self.cancelled = asyncio.Event()

    def fail(self, code: grpc.StatusCode, message: str, *details: object) -> None:
        """Let the next call fail."""
        self.failures.append((code, message, list(details)))

    async def _abort(self, context, code, message, details) -> None:
        status = status_pb2.Status(code=code.value[0], message=message)
        for detail in details:
            packed = any_pb2.Any()
            packed.Pack(detail)
            status.details.append(packed)
        trailing = [("x-request-id", "made-by-server")]
        if details:
            trailing.append(("grpc-status-details-bin", status.SerializeToString()))
        await context.abort(code, message, tuple(trailing))

    async def _begin(self, request, context) -> None:
        self.requests.append(request)
        self.metadata.append(dict(context.invocation_metadata()))
        await asyncio.sleep(self.delay)
        if self.failures:
            await self._abort(context, *self.failures.pop(0))

    async def Generate(self, request, context) -> pb.GenerateResponse:  # noqa: N802
        await self._begin(request, context)
        if self.answers:
            return self.answers.pop(0)
        text = "".join(self.texts)
        choices = [
            pb.Choice(index=i, text=text, reason=self.finish_reason, **self._cited(request))
            for i in range(request.sampling.n or 1)
        ]
        return pb.GenerateResponse(
            request_id="r-1",
            model="echo",
            choices=choices,
            usage=USAGE,
            timings=self._timings(request),
            retrieved=self._retrieved(request),
        )

    def _retrieved(self, request) -> pb.Retrieved | None:
        wanted = request.HasField("retrieval")
        return pb.Retrieved(citations=self.citations, left_out=self.left_out) if wanted else None

    def _cited(self, request) -> dict[str, list[int]]:
        wanted = request.HasField("retrieval") and self.citations
        return {"cited": [1], "cited_unknown": [7]} if wanted else {}

    def _timings(self, request) -> pb.Timings:
        timings = pb.Timings()
        timings.CopyFrom(TIMINGS)
        if request.HasField("retrieval"):
            timings.retrieval_seconds = 0.125
        return timings

    async def GenerateStream(self, request, context) -> AsyncIterator[pb.GenerateStreamResponse]:  # noqa: N802
        await self._begin(request, context)
        complete = False
        try:
            async for response in self._stream(request, context):
                yield response
            complete = True
        finally:
            if not complete:
                self.cancelled.set()

    async def _stream(self, request, context) -> AsyncIterator[pb.GenerateStreamResponse]:
        if self.streams:
            for response in self.streams.pop(0):
                yield response
            return
        retrieved = self._retrieved(request)
        started = pb.Started(request_id="r-1", model="echo", prompt_tokens=5, retrieved=retrieved)
        yield pb.GenerateStreamResponse(started=started)
        if self.failure_after_started:
            await self._abort(context, *self.failure_after_started)
        for text in self.texts:
            yield pb.GenerateStreamResponse(delta=pb.Delta(index=0, text=text, token_ids=[7]))
        if self.hang_after_text:
            self.hanging.set()
            await asyncio.sleep(60)
        for index in range((request.sampling.n or 1) - self.unfinished):
            finished = pb.Finished(
                index=index,
                reason=self.stream_finish_reason,
                matched_stop="!",
                usage=USAGE,
                timings=self._timings(request),
                **self._cited(request),
            )
            yield pb.GenerateStreamResponse(finished=finished)

    async def CountTokens(self, request, context) -> pb.CountTokensResponse:  # noqa: N802
        await self._begin(request, context)
        return pb.CountTokensResponse(model="echo", tokens=3, context_length=64)

    async def Tokenize(self, request, context) -> pb.TokenizeResponse:  # noqa: N802
        await self._begin(request, context)
        return pb.TokenizeResponse(model="echo", token_ids=[5, 7], tokens=["a", " \n"], context_length=64)

    async def Detokenize(self, request, context) -> pb.DetokenizeResponse:  # noqa: N802
        await self._begin(request, context)
        return pb.DetokenizeResponse(model="echo", text="a \n")

    async def GetStatus(self, request, context) -> server_pb2.GetStatusResponse:  # noqa: N802
        await self._begin(request, context)
        model = server_pb2.ModelStatus(
            name="echo",
            adapter="echo",
            state=server_pb2.STATE_READY,
            notes=["max_num_seqs was lowered [64 to 32]"],
            settings={"delay": "0"},
        )
        store = server_pb2.ComponentStatus(
            port="store", name="chroma", adapter="chroma", state=server_pb2.STATE_FAILED, message="disk full"
        )
        return server_pb2.GetStatusResponse(
            version="9.9",
            state=server_pb2.STATE_DRAINING,
            uptime_seconds=3661.2,
            models=[model],
            components=[store],
        )

    async def ListModels(self, request, context) -> server_pb2.ListModelsResponse:  # noqa: N802
        await self._begin(request, context)
        loading = server_pb2.Model(name="slow", adapter="vllm", state=server_pb2.STATE_LOADING)
        ready = server_pb2.Model(
            name="echo",
            is_default=True,
            adapter="echo",
            state=server_pb2.STATE_READY,
            context_length=64,
            supported_fields=["messages"],
        )
        return server_pb2.ListModelsResponse(models=[ready, loading])

    async def ListAdapters(self, request, context) -> server_pb2.ListAdaptersResponse:  # noqa: N802
        await self._begin(request, context)
        broken = server_pb2.Adapter(
            name="broken",
            distribution="jarvis-broken",
            version="0.1",
            state=server_pb2.ADAPTER_STATE_FAILED,
            message="ImportError: No module named 'nowhere', in a line that eighty columns do not hold",
        )
        return server_pb2.ListAdaptersResponse(adapters=[broken])

    async def ReloadAdapter(self, request, context) -> server_pb2.ReloadAdapterResponse:  # noqa: N802
        try:
            await self._begin(request, context)
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return server_pb2.ReloadAdapterResponse(ended_requests=2)

    async def SleepModel(self, request, context) -> server_pb2.SleepModelResponse:  # noqa: N802
        await self._begin(request, context)
        return server_pb2.SleepModelResponse(ended_requests=2)

    async def WakeModel(self, request, context) -> server_pb2.WakeModelResponse:  # noqa: N802
        await self._begin(request, context)
        return server_pb2.WakeModelResponse()

    async def LoadAdapterWeights(self, request, context) -> server_pb2.LoadAdapterWeightsResponse:  # noqa: N802
        await self._begin(request, context)
        return server_pb2.LoadAdapterWeightsResponse()

    async def UnloadAdapterWeights(self, request, context) -> server_pb2.UnloadAdapterWeightsResponse:  # noqa: N802
        await self._begin(request, context)
        return server_pb2.UnloadAdapterWeightsResponse(ended_requests=2)

    async def ListAdapterWeights(self, request, context) -> server_pb2.ListAdapterWeightsResponse:  # noqa: N802
        await self._begin(request, context)
        one = server_pb2.AdapterWeights(
            name="own", base="echo", path="/w/own", state=server_pb2.STATE_READY, configured=True
        )
        return server_pb2.ListAdapterWeightsResponse(weights=[one])

    async def Abort(self, request, context) -> server_pb2.AbortResponse:  # noqa: N802
        await self._begin(request, context)
        return server_pb2.AbortResponse(aborted=2)

    async def Check(self, request, context) -> health_pb2.HealthCheckResponse:  # noqa: N802
        await self._begin(request, context)
        serving = health_pb2.HealthCheckResponse.NOT_SERVING if request.service else 1
        return health_pb2.HealthCheckResponse(status=serving)


def retry_info(seconds: float) -> error_details_pb2.RetryInfo:
    delay = duration_pb2.Duration()
    delay.FromNanoseconds(int(seconds * 1e9))
    return error_details_pb2.RetryInfo(retry_delay=delay)


def make_server(fake: FakeServer) -> grpc.aio.Server:
    server = grpc.aio.server()
    generation_pb2_grpc.add_GenerationServiceServicer_to_server(fake, server)
    server_pb2_grpc.add_ServerServiceServicer_to_server(fake, server)
    health_pb2_grpc.add_HealthServicer_to_server(fake, server)
    return server


@pytest.fixture
def retry_after():
    """Makes the RetryInfo of so many seconds."""
    return retry_info


@pytest.fixture
async def fake() -> AsyncIterator[FakeServer]:
    """A server on a port of its own."""
    fake = FakeServer()
    server = make_server(fake)
    fake.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    yield fake
    await server.stop(None)


@pytest.fixture
def serve():
    """Makes the gRPC server around a fake, for a test that wants its own port."""
    return make_server
