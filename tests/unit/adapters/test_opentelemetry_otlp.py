"""Traces and metrics, as a receiver of OTLP gets them."""

import asyncio

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from jarvis.core.telemetry import metrics
from jarvis_adapters.opentelemetry import open_opentelemetry
from jarvis_adapters.opentelemetry.settings import OpenTelemetrySettings
from jarvis_ports.errors import Overloaded
from jarvis_ports.telemetry import SpanKind

SAMPLED = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}
UNSAMPLED = {"traceparent": "00-5bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"}


def opened(receiver, **settings):
    return open_opentelemetry(OpenTelemetrySettings(otlp_endpoint=receiver.endpoint, **settings))


async def test_traces_arrive(receiver, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "api-key=secret")
    receiver.start()
    async with opened(receiver, service_name="door") as telemetry:
        with telemetry.span("call", {"rpc.method": "m"}, kind=SpanKind.SERVER, trace=SAMPLED):
            with telemetry.span("ask", {"tokens": 3}, kind=SpanKind.CLIENT) as ask:
                ask.set({"reasons": ("stop", "length"), "cached": True, "share": 0.5})
                sent = ask.trace["traceparent"]
            with pytest.raises(Overloaded), telemetry.span("refused", {}):
                raise Overloaded("what the caller wrote")
            with pytest.raises(ValueError, match="wrote"), telemetry.span("broken", {}):
                raise ValueError("what the caller wrote")
            with pytest.raises(asyncio.CancelledError), telemetry.span("cancelled", {}):
                raise asyncio.CancelledError
    spans = receiver.spans()
    call, ask = spans["call"], spans["ask"]
    assert (call.kind, ask.kind) == (Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CLIENT)
    assert call.parent_span_id.hex() == "00f067aa0ba902b7"
    assert {span.trace_id.hex() for span in spans.values()} == {"4bf92f3577b34da6a3ce929d0e0e4736"}
    assert {span.parent_span_id for span in spans.values() if span is not call} == {call.span_id}
    assert sent.split("-")[2] == ask.span_id.hex()
    assert receiver.values(call.attributes) == {"rpc.method": "m"}
    assert receiver.values(ask.attributes).keys() == {"tokens", "reasons", "cached", "share"}
    failed = {name: receiver.values(span.attributes).get("error.type") for name, span in spans.items()}
    assert failed == {
        "call": None,
        "ask": None,
        "refused": "OVERLOADED",
        "broken": "ValueError",
        "cancelled": None,
    }
    errors = {name for name, span in spans.items() if span.status.code == Status.STATUS_CODE_ERROR}
    assert errors == {"refused", "broken"}
    assert "what the caller wrote" not in str(receiver.requests), "messages may hold what a caller wrote"
    assert {one["service.name"] for one in receiver.resources()} == {"door"}
    assert {metadata["api-key"] for metadata in receiver.metadata} == {"secret"}


async def test_what_is_told_of_an_error_stands_and_is_not_a_failure_by_itself(receiver):
    receiver.start()
    async with opened(receiver) as telemetry:
        with pytest.raises(Overloaded), telemetry.span("call", {}) as call:
            call.set({"error.type": "RESOURCE_EXHAUSTED"})
            raise Overloaded("full")
    call = receiver.spans()["call"]
    assert receiver.values(call.attributes) == {"error.type": "RESOURCE_EXHAUSTED"}
    assert call.status.code == Status.STATUS_CODE_UNSET


async def test_the_version_of_the_names_is_told(receiver):
    receiver.start()
    async with opened(receiver) as telemetry:
        telemetry.count(metrics.QUERIES, {"model": "m"})
        with telemetry.span("call", {}):
            pass
    scopes = [
        scope
        for request in receiver.requests
        for kind in ("spans", "metrics")
        for resource in getattr(request, f"resource_{kind}", ())
        for scope in getattr(resource, f"scope_{kind}")
    ]
    assert {scope.schema_url for scope in scopes} == {"https://opentelemetry.io/schemas/1.45.0"}
    assert len(scopes) == 2


async def test_metrics_arrive_at_the_end(receiver):
    receiver.start()
    async with opened(receiver) as telemetry:
        telemetry.count(metrics.QUERIES, {"model": "m", "difficulty_range": "0-20"}, 3)
        telemetry.observe(metrics.QUERY_LATENCY, 0.3, {"model": "m"})
        telemetry.gauge(metrics.GPU_MEMORY, lambda: [(7, {"gpu_id": "0"})])
    found = receiver.metrics()
    [queries] = found["jarvis.queries"].sum.data_points
    assert (queries.as_int, found["jarvis.queries"].unit) == (3, "{query}")
    assert receiver.values(queries.attributes) == {"model": "m", "difficulty_range": "0-20"}
    [latency] = found["jarvis.query.latency"].histogram.data_points
    assert (tuple(latency.explicit_bounds), latency.sum) == (metrics.QUERY_LATENCY.buckets, 0.3)
    [memory] = found["jarvis.gpu.memory"].gauge.data_points
    assert (memory.as_int, receiver.values(memory.attributes)) == (7, {"gpu_id": "0"})


async def test_metrics_arrive_again_and_again(receiver):
    receiver.start()
    async with opened(receiver, export_seconds=0.1) as telemetry:
        telemetry.count(metrics.QUERIES, {"model": "m"})
        async with asyncio.timeout(30):
            while len(receiver.requests) < 3:
                await asyncio.sleep(0.02)
        assert b"jarvis_queries_total" in telemetry.exposition().body


async def test_only_traces_arrive_where_metrics_are_not_wanted(receiver):
    receiver.start()
    async with opened(receiver, otlp_metrics=False) as telemetry:
        telemetry.count(metrics.QUERIES, {"model": "m"})
        with telemetry.span("call", {}):
            pass
    assert (receiver.spans().keys(), receiver.metrics()) == ({"call"}, {})


@pytest.mark.parametrize(("sampling", "arrive"), [(0, {"asked"}), (1, {"asked", "own"})])
async def test_a_caller_decides_about_its_trace_and_sampling_about_the_others(receiver, sampling, arrive):
    receiver.start()
    async with opened(receiver, sampling=sampling) as telemetry:
        for name, trace in {"asked": SAMPLED, "not asked": UNSAMPLED, "own": None}.items():
            with telemetry.span(name, {}, trace=trace):
                pass
    assert receiver.spans().keys() == arrive
