import asyncio
import contextvars
import threading
from math import inf

import pytest
from opentelemetry import trace
from prometheus_client import REGISTRY
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families
from pydantic import ValidationError

from jarvis.core.telemetry import metrics
from jarvis_adapters.opentelemetry import measures, open_opentelemetry
from jarvis_adapters.opentelemetry.settings import OpenTelemetrySettings
from jarvis_ports.errors import StartupError
from jarvis_ports.telemetry import MetricKind

SUFFIXES = {"s": "_seconds", "By": "_bytes"}
OPENMETRICS = "application/openmetrics-text;version=1.0.0"


@pytest.fixture
async def telemetry():
    async with open_opentelemetry(OpenTelemetrySettings()) as opened:
        yield opened


@pytest.fixture
def register():
    """Register a collector for the whole process."""
    registered = []

    def add(collector):
        REGISTRY.register(collector)
        registered.append(collector)

    yield add
    for collector in registered:
        REGISTRY.unregister(collector)


class Families:
    """A collector of a library; it says nothing of what it collects when it is registered."""

    def __init__(self, *families):
        self.families = families

    def describe(self):
        return []

    def collect(self):
        for family in self.families:
            if isinstance(family, Exception):
                raise family
            yield family


def parsed(telemetry, accept=""):
    read = openmetrics.text_string_to_metric_families if accept else text_string_to_metric_families
    families = list(read(telemetry.exposition(accept).body.decode()))
    names = [family.name for family in families]
    assert len(names) == len(set(names))
    return {family.name: family for family in families}


def measure(telemetry, metric):
    labels = dict.fromkeys(metric.attributes, "a")
    match metric.kind:
        case MetricKind.COUNTER:
            telemetry.count(metric, labels, 2)
        case MetricKind.HISTOGRAM:
            telemetry.observe(metric, 0.3, labels)
        case MetricKind.GAUGE:
            telemetry.gauge(metric, lambda: [(2, labels)])


@pytest.mark.parametrize("accept", ["", OPENMETRICS])
async def test_every_metric_is_exposed_as_prometheus_names_it(telemetry, accept):
    for metric in metrics.ALL:
        measure(telemetry, metric)
    families = parsed(telemetry, accept)
    for metric in metrics.ALL:
        family = families[metric.name.replace(".", "_") + SUFFIXES.get(metric.unit, "")]
        assert (family.type, family.documentation) == (metric.kind, metric.description)
        labels = {name.replace(".", "_"): "a" for name in metric.attributes}
        shown = [{**sample.labels} for sample in family.samples]
        bounds = [float(each.pop("le")) for each in shown if "le" in each]
        assert all(each == labels for each in shown)
        assert bounds == ([*metric.buckets, inf] if metric.kind is MetricKind.HISTOGRAM else [])


async def test_names_that_dashboards_and_rules_rely_on(telemetry):
    for metric in metrics.ALL:
        measure(telemetry, metric)
    names = {sample.name for family in parsed(telemetry).values() for sample in family.samples}
    assert {
        "gen_ai_server_request_duration_seconds_bucket",
        "rpc_server_call_duration_seconds_count",
        "jarvis_queries_total",
        "jarvis_query_latency_seconds_sum",
        "jarvis_gpu_memory_bytes",
        "jarvis_circuit_breaker_open",
        "process_resident_memory_bytes",
        "python_gc_collections_total",
    } <= names


async def test_what_libraries_register_is_on_the_page_once(telemetry, register):
    register(Families(GaugeMetricFamily("vllm:num_requests_running", "Running.", value=3)))
    register(Families(GaugeMetricFamily("jarvis_circuit_breaker_open", "Another's.", value=9)))
    measure(telemetry, metrics.BREAKER_OPEN)
    for accept in ("", OPENMETRICS):
        families = parsed(telemetry, accept)
        assert families["vllm:num_requests_running"].samples[0].value == 3
        assert [sample.value for sample in families["jarvis_circuit_breaker_open"].samples] == [2]


async def test_a_librarys_collector_that_fails_is_told_once(telemetry, register, caplog):
    register(Families(GaugeMetricFamily("before", "It.", value=1), RuntimeError("no such device")))
    measure(telemetry, metrics.QUERIES)
    for _ in range(3):
        assert {"jarvis_queries", "before"} <= parsed(telemetry).keys()
    [record] = caplog.records
    assert "no such device" in str(record.exc_info)


async def test_what_cannot_be_written_is_no_page_and_told_once(telemetry, caplog):
    telemetry.count(metrics.QUERIES, {"model": "\ud800"})
    assert [telemetry.exposition() for _ in range(2)] == [None, None]
    assert len(caplog.messages) == 1


async def test_the_number_of_series_is_bounded(telemetry):
    for number in range(2500):
        telemetry.count(metrics.QUERIES, {"model": str(number)})
    samples = parsed(telemetry)["jarvis_queries"].samples
    assert len(samples) == 2001
    assert sum(sample.value for sample in samples) == 2500


async def test_what_is_wrong_with_a_metric_is_told_once(telemetry, caplog):
    def fails():
        raise OSError("no such device")

    telemetry.gauge(metrics.GPU_MEMORY, fails)
    for _ in range(3):
        telemetry.count(metrics.QUERIES, {"model": "m", "user": "u"})
        telemetry.observe(metrics.QUERY_LATENCY, float("nan"), {"model": "m"})
        telemetry.observe(metrics.QUEUE_WAIT, "1", {"model": "m"})
        telemetry.gauge(metrics.QUERIES, list)
        telemetry.exposition()
    assert sorted(message.split("; ")[0] for message in caplog.messages) == [
        "metric jarvis.gpu.memory: OSError: no such device",
        "metric jarvis.queries: it has no attribute user",
        "metric jarvis.query.latency: nan was left out",
        "metric jarvis.queue.wait: TypeError: '<=' not supported between instances of 'int' and 'str'",
    ]


async def test_where_nothing_is_scraped_there_is_no_page():
    async with open_opentelemetry(OpenTelemetrySettings(prometheus=False)) as telemetry:
        measure(telemetry, metrics.QUERIES)
        assert telemetry.exposition() is None


async def test_without_an_endpoint_spans_have_ids_and_record_nothing(telemetry):
    with telemetry.span("call", {}) as span:
        assert span.trace["traceparent"].endswith(("-00", "-02"))
        assert not trace.get_current_span().is_recording()
        assert f"{trace.get_current_span().get_span_context().trace_id:032x}" in span.trace["traceparent"]


async def test_a_span_left_elsewhere_leaves_the_span_there_alone(telemetry):
    elsewhere = contextvars.copy_context()
    stream = telemetry.span("stream", {})
    stream.__enter__()

    def leave():
        with telemetry.span("other", {}) as other:
            stream.__exit__(None, None, None)
            with telemetry.span("part", {}) as part:
                assert part.trace["traceparent"][:35] == other.trace["traceparent"][:35]

    elsewhere.run(leave)


@pytest.mark.parametrize(
    "endpoint",
    [
        "127.0.0.1:4317",
        "localhost",
        "grpc://a:4317",
        "http://a",
        "http://:4317",
        "http://a:x",
        "http://a:99999",
        "http://a:4318/v1/traces",
        "http://user:secret@a:4317",
        "https://a:4317?x=1",
    ],
)
def test_endpoints_that_are_none_are_refused(endpoint):
    with pytest.raises(ValidationError, match="http"):
        OpenTelemetrySettings(otlp_endpoint=endpoint)


@pytest.mark.parametrize("endpoint", ["", "http://127.0.0.1:4317", "https://otel:4317/", "http://[::1]:4317"])
def test_endpoints(endpoint):
    assert OpenTelemetrySettings(otlp_endpoint=endpoint).otlp_endpoint == endpoint


@pytest.mark.parametrize("wrong", [{"sampling": 1.1}, {"export_seconds": 0}, {"service_name": ""}])
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(ValidationError):
        OpenTelemetrySettings(**wrong)


async def test_a_wrong_variable_of_the_environment_is_the_operators_to_mend(monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "soon")
    settings = OpenTelemetrySettings(otlp_endpoint="http://127.0.0.1:4317")
    with pytest.raises(StartupError, match=r"'soon'.*OTEL_"):
        async with open_opentelemetry(settings):
            pytest.fail("it opened")


async def test_gauges_that_hang_do_not_stop_the_event_loop(telemetry):
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    telemetry.gauge(
        metrics.GPU_MEMORY,
        lambda: [(asyncio.run_coroutine_threadsafe(over.wait(), loop).result(), {"gpu_id": "0"})],
    )
    page = asyncio.create_task(asyncio.to_thread(telemetry.exposition))
    over.set()
    assert b'jarvis_gpu_memory_bytes{gpu_id="0"} 1.0' in (await page).body


async def test_while_a_gauge_hangs_no_first_measurement_waits(telemetry, monkeypatch):
    monkeypatch.setattr(measures, "READ_SECONDS", 60)
    hangs, over = threading.Event(), threading.Event()

    def hang():
        hangs.set()
        over.wait(60)
        return [(1, {"gpu_id": "0"})]

    telemetry.gauge(metrics.GPU_MEMORY, hang)
    page = asyncio.create_task(asyncio.to_thread(telemetry.exposition))
    await asyncio.to_thread(hangs.wait)
    others = [metric for metric in metrics.ALL if metric is not metrics.GPU_MEMORY]
    measured = threading.Thread(target=lambda: [measure(telemetry, metric) for metric in others], daemon=True)
    measured.start()
    await asyncio.to_thread(measured.join, 5)
    try:
        assert not measured.is_alive()
        assert not page.done()
    finally:
        over.set()
        await page
    async with asyncio.timeout(5):
        while len(parsed(telemetry).keys() & {"jarvis_queries", "jarvis_circuit_breaker_open"}) < 2:
            await asyncio.sleep(0.01)
