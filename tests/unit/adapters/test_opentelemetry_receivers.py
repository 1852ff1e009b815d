"""Receivers of OTLP that are not there, hang, refuse, or come later; and children of this process."""

import asyncio
import logging
import subprocess
import sys

import pytest
from opentelemetry.sdk.trace.export import SpanExportResult

from jarvis.core.telemetry import metrics
from jarvis_adapters.opentelemetry import delivery, open_opentelemetry
from jarvis_adapters.opentelemetry.settings import OpenTelemetrySettings

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _soon_again(monkeypatch):
    monkeypatch.setattr(delivery, "RETRY_SECONDS", 0.2)


def opened(receiver, **settings):
    return open_opentelemetry(OpenTelemetrySettings(otlp_endpoint=receiver.endpoint, **settings))


async def until(condition):
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.02)


def all_well(telemetry):
    return not any(one.problem for one in telemetry._deliveries)


async def test_an_endpoint_that_is_not_there_is_told_once_and_that_it_came_once(receiver, caplog):
    caplog.set_level(logging.INFO)
    async with opened(receiver, export_seconds=0.1) as telemetry:
        assert (await telemetry.health()).ok
        telemetry.count(metrics.QUERIES, {"model": "m"})
        with telemetry.span("lost", {}):
            pass
        await until(lambda: all(one.problem for one in telemetry._deliveries))
        for _ in range(5000):  # more than the queue holds
            with telemetry.span("lost", {}):
                pass
        await asyncio.sleep(1)  # several more exports fail
        health = await telemetry.health()
        assert not health.ok
        for what in ("traces", "metrics"):
            assert f"{what} to 127.0.0.1:{receiver.port}" in health.message
        receiver.start()
        await until(lambda: all_well(telemetry))
        assert (await telemetry.health()).ok
        with telemetry.span("kept", {}):
            pass
    assert "kept" in receiver.spans()
    assert receiver.metrics()["jarvis.queries"].sum.data_points[0].as_int == 1
    assert sorted(message.split(":")[0] for message in caplog.messages) == [
        "Metrics arrive again at http",
        "Metrics do not arrive, and are lost until they do",
        "Traces arrive again at http",
        "Traces do not arrive, and are lost until they do",
    ]


def test_what_is_tried_after_the_end_is_not_said(receiver, caplog):
    spans = delivery.SpanDelivery(receiver.endpoint)
    spans.shutdown()
    assert spans.export([]) is SpanExportResult.FAILURE
    assert (spans.delivery.problem, caplog.messages) == ("", [])


async def test_that_an_endpoint_came_is_seen_without_traffic(receiver):
    async with opened(receiver, otlp_metrics=False) as telemetry:
        with telemetry.span("lost", {}):
            pass
        await until(lambda: not all_well(telemetry))
        receiver.start()
        await until(lambda: all_well(telemetry))
    assert receiver.spans() == {}


async def test_an_endpoint_that_hangs_stops_nothing_and_is_left_in_the_end(receiver, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "600")
    receiver.start()
    receiver.answers.clear()
    async with asyncio.timeout(20):
        async with opened(receiver, export_seconds=0.1) as telemetry:
            with telemetry.span("call", {}):
                telemetry.count(metrics.QUERIES, {"model": "m"})
            await until(lambda: len(receiver.requests) == 2)
            for _ in range(5000):
                with telemetry.span("call", {}):
                    telemetry.count(metrics.QUERIES, {"model": "m"})
            assert b"jarvis_queries_total" in telemetry.exposition().body
        await until(lambda: len(receiver.ended) == 2)


async def test_an_endpoint_that_hangs_is_told(receiver):
    receiver.start()
    receiver.answers.clear()
    async with opened(receiver, export_seconds=0.1) as telemetry:
        telemetry.count(metrics.QUERIES, {"model": "m"})
        await until(lambda: not all_well(telemetry))
        assert "DEADLINE_EXCEEDED" in (await telemetry.health()).message
        receiver.answers.set()
        await until(lambda: all_well(telemetry))


async def test_a_receiver_of_traces_alone_is_told_as_such(receiver):
    receiver.takes_metrics = False
    receiver.start()
    async with opened(receiver, export_seconds=0.1) as telemetry:
        telemetry.count(metrics.QUERIES, {"model": "m"})
        with telemetry.span("call", {}):
            pass
        await until(lambda: not all_well(telemetry) and receiver.requests)
        health = await telemetry.health()
    assert "export metrics" in health.message
    assert "UNIMPLEMENTED" in health.message
    assert "traces" not in health.message


FORKS = """
import asyncio, os, sys, threading, time
from jarvis.core.telemetry import metrics
from jarvis_adapters.opentelemetry import open_opentelemetry
from jarvis_adapters.opentelemetry.settings import OpenTelemetrySettings

async def main():
    settings = OpenTelemetrySettings(otlp_endpoint=sys.argv[1], export_seconds=0.1)
    async with open_opentelemetry(settings) as telemetry:
        telemetry.count(metrics.QUERIES, {"model": "m"})
        child = os.fork()
        if not child:
            telemetry.count(metrics.QUERIES, {"model": "m"})
            with telemetry.span("of the child", {}):
                pass
            time.sleep(1)
            os._exit("OtelPeriodicExportingMetricReader" in {thread.name for thread in threading.enumerate()})
        with telemetry.span("of the parent", {}):
            pass
        status = await asyncio.to_thread(os.waitpid, child, 0)
        assert status[1] == 0, status

asyncio.run(main())
"""


async def test_a_forked_child_sends_nothing(receiver):
    receiver.start()
    command = [sys.executable, "-c", FORKS, receiver.endpoint]
    run = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    assert receiver.spans().keys() == {"of the parent"}
    assert len({one["service.instance.id"] for one in receiver.resources()}) == 1
    assert receiver.metrics()["jarvis.queries"].sum.data_points[0].as_int == 1
