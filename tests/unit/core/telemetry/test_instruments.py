"""What the core measures with: what it passes on, and the figures it keeps."""

from contextlib import contextmanager
from threading import Thread

import pytest

from jarvis.app.slo import PROMISED_METHODS
from jarvis.core.telemetry import metrics
from jarvis.core.telemetry.figures import Objective
from jarvis.core.telemetry.instruments import Instruments
from jarvis.core.telemetry.objectives import Availability
from jarvis.core.telemetry.window import MOST_SAMPLES
from jarvis_adapters.no_telemetry import NoTelemetry
from jarvis_ports.values import Quantiles, Recent

DAY = 86_400
OBJECTIVES = [
    Objective("availability", 0.9, 30 * DAY),
    Objective("latency", 0.5, 30 * DAY, 10),
    Objective("time_to_first_token", 0.5, 30 * DAY, 1),
]


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def instruments(clock):
    return Instruments(
        OBJECTIVES, Availability(PROMISED_METHODS, {"INTERNAL", "UNAVAILABLE", "RESOURCE_EXHAUSTED"}), clock
    )


def call(instruments, code="OK", service="GenerationService", times=1, reason=""):
    labels = {"rpc.method": f"jarvis.v1.{service}/Do", "rpc.status_code": code, "error.type": reason}
    for _ in range(times):
        instruments.observe(metrics.RPC_DURATION, 0.1, labels)


def answer(instruments, seconds):
    instruments.observe(metrics.QUERY_LATENCY, seconds, {"model": "m"})


def cached(instruments, tier, hits, misses):
    instruments.count(metrics.CACHE_HITS, {"tier": tier}, hits)
    instruments.count(metrics.CACHE_MISSES, {"tier": tier}, misses)


def test_before_anything_happened(instruments):
    assert instruments.recent() == Recent(0)
    assert [budget.remaining for budget in instruments.budgets()] == [1, 1, 1]


def test_calls_of_the_last_minute(instruments, clock):
    for service in ("GenerationService", "EmbeddingService", "RetrievalService"):
        call(instruments, service=service)
    call(instruments, "UNAVAILABLE")
    call(instruments, "NOT_FOUND")
    call(instruments, "INTERNAL", service="ServerService")
    clock.now += 30
    call(instruments, "INTERNAL", times=2)
    assert instruments.recent() == Recent(30, calls=7, failed_calls=3)
    clock.now += 30.5
    assert instruments.recent() == Recent(60, calls=2, failed_calls=2)
    clock.now += 3600
    assert instruments.recent() == Recent(60)


def test_percentiles_of_the_last_minute(instruments, clock):
    answer(instruments, 1000)
    clock.now += 61
    for hundredth in range(101):
        answer(instruments, hundredth / 100)
    instruments.observe(metrics.TIME_TO_FIRST_TOKEN, 0.25, {})
    recent = instruments.recent()
    assert recent.latency == Quantiles(*map(pytest.approx, (0.5, 0.95, 0.99)))
    assert recent.time_to_first_token == Quantiles(0.25, 0.25, 0.25)
    clock.now += 61
    assert instruments.recent().latency is None


def test_many_samples_take_bounded_memory(instruments):
    for _ in range(MOST_SAMPLES):
        answer(instruments, 1)
    for _ in range(MOST_SAMPLES):
        answer(instruments, 2)
    assert instruments.recent().latency == Quantiles(2, 2, 2)
    assert instruments.budgets()[1].events == 2 * MOST_SAMPLES


def test_no_count_of_several_threads_is_lost(instruments):
    threads = [Thread(target=call, args=(instruments,), kwargs={"times": 5000}) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert instruments.recent().calls == instruments.budgets()[0].events == 20_000


def test_tokens_that_were_put_out(instruments):
    for type_ in ("input", "cached", "output"):
        instruments.count(metrics.TOKENS, {"model": "m", "type": type_}, 5)
    instruments.count(metrics.TOKENS, {"model": "n", "type": "output"}, 3)
    assert instruments.recent().output_tokens == 8


def test_a_text_that_any_tier_of_the_cache_had_is_a_hit(instruments):
    cached(instruments, "memory", 4, 6)
    cached(instruments, "diskcache", 3, 3)
    assert instruments.recent().cache_hit_ratio == 0.7
    cached(instruments, "memory", 10, 0)
    assert instruments.recent().cache_hit_ratio == 0.85


def test_a_cache_that_never_had_anything(instruments):
    cached(instruments, "memory", 0, 6)
    assert instruments.recent().cache_hit_ratio == 0


def test_what_is_left_of_the_budgets(instruments, clock):
    call(instruments, times=88)
    call(instruments, "INTERNAL", times=4)
    call(instruments, "RESOURCE_EXHAUSTED", reason="OVERLOADED")
    call(instruments, "RESOURCE_EXHAUSTED", reason="LIMIT_EXCEEDED", times=2)
    call(instruments, "INVALID_ARGUMENT", times=5)
    call(instruments, "INTERNAL", service="ServerService", times=50)
    for seconds in (1, 10, 10.1, 20):
        answer(instruments, seconds)
    for seconds in (1.1, 2, 3):
        instruments.observe(metrics.TIME_TO_FIRST_TOKEN, seconds, {})
    clock.now += 3600
    availability, latency, first_token = instruments.budgets()
    assert [each.objective for each in (availability, latency, first_token)] == OBJECTIVES
    assert (availability.events, availability.bad_events, availability.observed_seconds) == (100, 5, 3600)
    assert availability.remaining == pytest.approx(0.5)
    assert (latency.events, latency.bad_events, latency.remaining) == (4, 2, 0)
    assert first_token.remaining == -1


def test_a_budget_forgets_what_is_older_than_its_window(instruments, clock):
    call(instruments, "INTERNAL")
    for _ in range(40):
        clock.now += DAY
        call(instruments)
    budget = instruments.budgets()[0]
    assert (budget.events, budget.bad_events, budget.observed_seconds) == (30, 0, 30 * DAY)


def test_all_goes_to_the_adapter_while_it_is_connected(instruments):
    seen = []

    class Adapter(NoTelemetry):
        def count(self, metric, attributes, by=1):
            seen.append((metric.name, dict(attributes), by))

        def observe(self, metric, value, attributes):
            seen.append((metric.name, dict(attributes), value))

        def gauge(self, metric, read):
            seen.append((metric.name, list(read())))

        @contextmanager
        def span(self, name, attributes, *, kind=None, trace=None):
            with super().span(name, attributes, kind=kind, trace=trace) as span:
                seen.append((name, dict(attributes), kind, trace))
                yield span

        def exposition(self, accept=""):
            return accept

    instruments.gauge(metrics.BUILD_INFO, lambda: [(1, {})])
    answer(instruments, 1)
    assert instruments.exposition("text") is None
    with instruments.connected(Adapter()):
        instruments.gauge(metrics.QUEUE_DEPTH, lambda: [(2, {})])
        instruments.count(metrics.DOCUMENTS, {"outcome": "added"}, 3)
        answer(instruments, 4)
        with instruments.span("x", {"a": 1}, kind="server", trace={"traceparent": "t"}) as span:
            assert span.trace == {"traceparent": "t"}
        assert instruments.exposition("text") == "text"
    answer(instruments, 5)
    assert seen == [
        ("jarvis.build.info", [(1, {})]),
        ("jarvis.queue.depth", [(2, {})]),
        ("jarvis.documents", {"outcome": "added"}, 3),
        ("jarvis.query.latency", {"model": "m"}, 4),
        ("x", {"a": 1}, "server", {"traceparent": "t"}),
    ]
