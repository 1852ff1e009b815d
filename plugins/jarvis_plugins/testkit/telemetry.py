"""The tests that every adapter for the `Telemetry` port passes."""

import asyncio
import time
from collections.abc import Iterator
from math import inf, nan
from threading import Event
from typing import Any, ClassVar

import pytest

from jarvis_plugins.registry import Adapter
from jarvis_plugins.settings import AdapterSettings
from jarvis_plugins.testkit.scrape import ACCEPT, CALLS, DURATION, MEMORY, OTHER, samples, value
from jarvis_plugins.testkit.tracing import CALLER, TracingConformance
from jarvis_ports.telemetry import Exposition, Reading, Telemetry

TEXT = 'a "quoted" back\\slash\nand ñ 🙏'


def reads(number: float, case: str) -> list[Reading]:
    """Return a gauge's readings: one value for the case."""
    return [(number, {"kit.case": case})]


def measure(telemetry: Telemetry) -> None:
    """Call each method that must not wait."""
    telemetry.count(CALLS, {"kit.case": "use"})
    telemetry.observe(DURATION, 1, {"kit.case": "use"})
    telemetry.gauge(OTHER, lambda: reads(1, "use"))
    with telemetry.span("use", {"a": 1}) as span:
        span.set({"b": 2})


@pytest.mark.asyncio(loop_scope="class")
class TelemetryConformance(TracingConformance):
    """Subclass it, name the adapter, and run pytest. Its metrics are read by their names in Prometheus."""

    exposes: ClassVar[bool] = True
    """Whether there is anything to scrape with these settings."""
    seconds: ClassVar[float] = 10.0
    """The most seconds that a page may take; a scraper waits no longer."""

    async def page(self, telemetry: Telemetry, accept: str = "") -> Exposition:
        """Read the metrics; skip the rest of the test if there are none to expose."""
        page = await asyncio.wait_for(asyncio.to_thread(telemetry.exposition, accept), self.seconds)
        if not self.exposes:
            assert page is None, "it exposes something; say so with `exposes`"
            pytest.skip(f"{self.adapter} exposes no metrics with these settings")
        assert page is not None, "it exposes nothing; say so with `exposes`"
        return page

    async def use(self, adapter: Telemetry) -> None:
        measure(adapter)
        await asyncio.to_thread(adapter.exposition)

    async def test_is_healthy(self, telemetry: Telemetry) -> None:
        assert (await asyncio.wait_for(telemetry.health(), 1)).ok

    async def test_measuring_does_not_wait(self, telemetry: Telemetry) -> None:
        took = []
        for _ in range(3):  # as the machine may be busy
            began = time.monotonic()
            for _ in range(100):
                measure(telemetry)
            took.append(time.monotonic() - began)
        assert min(took) < 1, "a hundred times"

    async def test_leaves_its_input_as_it_is(self, telemetry: Telemetry) -> None:
        labels, trace = {"kit.case": "input"}, {"traceparent": CALLER}
        telemetry.count(CALLS, labels)
        telemetry.observe(DURATION, 1, labels)
        with telemetry.span("call", labels, trace=trace) as span:
            span.set(labels)
        assert labels == {"kit.case": "input"}
        assert trace == {"traceparent": CALLER}

    # Counters and histograms

    async def test_counts(self, telemetry: Telemetry) -> None:
        telemetry.count(CALLS, {"kit.case": "counts", "reason": "a"})
        telemetry.count(CALLS, {"kit.case": "counts", "reason": "a"}, 2)
        telemetry.count(CALLS, {"kit.case": "counts", "reason": "b"}, 0)
        telemetry.count(CALLS, {"kit.case": "counts"})
        page = await self.page(telemetry)
        found = [value(page, "kit_calls_total", kit_case="counts", reason=reason) for reason in "ab"]
        assert found == [3, 0]
        assert value(page, "kit_calls_total", kit_case="counts") == 1

    async def test_histograms_have_their_own_buckets(self, telemetry: Telemetry) -> None:
        for seconds in (0.25, 0.5, 1, 100):
            telemetry.observe(DURATION, seconds, {"kit.case": "buckets"})
        page = await self.page(telemetry)
        found = samples(page, "kit_duration_seconds_bucket")
        buckets = {float(labels["le"]): count for labels, count in found if labels["kit_case"] == "buckets"}
        assert buckets == {0.5: 2, 2: 3, 10: 3, inf: 4}
        assert value(page, "kit_duration_seconds_sum", kit_case="buckets") == 101.75

    async def test_nothing_is_lost_between_threads(self, telemetry: Telemetry) -> None:
        def work(number: int) -> None:
            for _ in range(200):
                telemetry.count(CALLS, {"kit.case": "threads", "reason": str(number % 2)})
                telemetry.observe(DURATION, 1, {"kit.case": "threads"})
                with telemetry.span("work", {}):
                    pass

        await asyncio.gather(*(asyncio.to_thread(work, number) for number in range(8)))
        page = await self.page(telemetry)
        found = [value(page, "kit_calls_total", kit_case="threads", reason=reason) for reason in "01"]
        assert found == [800, 800]
        assert value(page, "kit_duration_seconds_count", kit_case="threads") == 1600

    @pytest.mark.parametrize("amount", [nan, inf, -inf, -1])
    async def test_what_is_no_measurement_harms_nothing(self, telemetry: Telemetry, amount: float) -> None:
        labels = {"kit.case": f"bad {amount}"}
        telemetry.count(CALLS, labels, amount)  # type: ignore[arg-type] # that is what is tested
        telemetry.observe(DURATION, amount, labels)
        telemetry.observe(CALLS, 1, labels)
        telemetry.count(DURATION, labels)
        telemetry.count(CALLS, labels, 2)
        telemetry.observe(DURATION, 1, labels)
        page = await self.page(telemetry)
        assert value(page, "kit_calls_total", kit_case=labels["kit.case"]) == 2
        assert value(page, "kit_duration_seconds_sum", kit_case=labels["kit.case"]) == 1

    async def test_only_the_labels_of_the_metric_are_shown(self, telemetry: Telemetry) -> None:
        for number in range(100):
            telemetry.count(CALLS, {"kit.case": "labels", "request.id": str(number)})
            telemetry.observe(DURATION, 1, {"kit.case": "labels", "request.id": str(number)})
        telemetry.gauge(OTHER, lambda: [(1, {"kit.case": "labels", "request.id": "1"})])
        assert b"request_id" not in (await self.page(telemetry)).body

    # Gauges

    async def test_a_gauge_is_read_each_time(self, telemetry: Telemetry) -> None:
        now = [*reads(1, "first"), *reads(-2, "second")]
        telemetry.gauge(MEMORY, lambda: iter(now))
        page = await self.page(telemetry)
        assert value(page, "kit_memory_bytes", kit_case="first") == 1
        assert value(page, "kit_memory_bytes", kit_case="second") == -2
        now = reads(3.5, "first")
        page = await self.page(telemetry)
        assert value(page, "kit_memory_bytes", kit_case="first") == 3.5
        assert value(page, "kit_memory_bytes", kit_case="second") is None

    async def test_a_second_read_takes_the_place_of_the_first(self, telemetry: Telemetry) -> None:
        telemetry.gauge(MEMORY, lambda: reads(1, "old"))
        await asyncio.to_thread(telemetry.exposition)
        telemetry.gauge(MEMORY, lambda: reads(2, "new"))
        page = await self.page(telemetry)
        assert samples(page, "kit_memory_bytes") == [({"kit_case": "new"}, 2)]

    async def test_a_gauge_that_fails_harms_no_other(self, telemetry: Telemetry) -> None:
        def fails() -> Iterator[Reading]:
            yield from reads(1, "before")
            raise ZeroDivisionError

        telemetry.gauge(MEMORY, fails)
        telemetry.gauge(OTHER, lambda: reads(1, "beside"))
        for _ in range(2):
            page = await self.page(telemetry)
            assert value(page, "kit_other", kit_case="beside") == 1

    async def test_a_gauge_that_hangs_harms_no_other(self, telemetry: Telemetry) -> None:
        over = Event()

        def hangs() -> list[Reading]:
            over.wait(2 * self.seconds)
            return reads(1, "late")

        telemetry.gauge(MEMORY, hangs)
        telemetry.gauge(OTHER, lambda: reads(2, "beside"))
        try:
            for _ in range(3):
                page = await self.page(telemetry)
                assert value(page, "kit_other", kit_case="beside") == 2
        finally:
            over.set()
            telemetry.gauge(MEMORY, lambda: reads(1, "after"))

    # The page

    @pytest.mark.parametrize("name", ACCEPT)
    async def test_whatever_a_scraper_accepts_it_gets_a_page(self, telemetry: Telemetry, name: str) -> None:
        telemetry.count(CALLS, {"kit.case": name})
        page = await self.page(telemetry, ACCEPT[name])
        assert page.content_type.startswith(("text/plain", "application/openmetrics-text"))
        assert value(page, "kit_calls_total", kit_case=name) == 1

    async def test_labels_are_any_text(self, telemetry: Telemetry) -> None:
        telemetry.count(CALLS, {"kit.case": TEXT})
        assert value(await self.page(telemetry), "kit_calls_total", kit_case=TEXT) == 1

    async def test_pages_read_at_once_are_whole(self, telemetry: Telemetry) -> None:
        for number in range(1000):
            telemetry.count(CALLS, {"kit.case": "at once", "reason": str(number)})
        for page in await asyncio.gather(*(self.page(telemetry) for _ in range(8))):
            found = samples(page, "kit_calls_total")
            assert sum(labels["kit_case"] == "at once" for labels, _ in found) == 1000

    # Opening and closing

    async def test_two_have_nothing_in_common(
        self, telemetry: Telemetry, registered: Adapter[Any], valid_settings: AdapterSettings
    ) -> None:
        async with registered.factory(valid_settings) as other:
            other.count(CALLS, {"kit.case": "two"}, 5)
            telemetry.count(CALLS, {"kit.case": "two"}, 1)
            pages = await self.page(telemetry), await self.page(other)
            assert [value(page, "kit_calls_total", kit_case="two") for page in pages] == [1, 5]
        telemetry.count(CALLS, {"kit.case": "two"}, 1)
        assert value(await self.page(telemetry), "kit_calls_total", kit_case="two") == 2

    async def test_calls_after_its_end_harm_nothing(
        self, registered: Adapter[Any], valid_settings: AdapterSettings
    ) -> None:
        async with asyncio.timeout(self.seconds), registered.factory(valid_settings) as closed:
            span = closed.span("call", {})
            closed.gauge(MEMORY, lambda: reads(1, "closed"))
        with span, closed.span("late", {}) as late:
            late.set({"a": 1})
        closed.count(CALLS, {"kit.case": "closed"})
        closed.observe(DURATION, 1, {"kit.case": "closed"})
        closed.gauge(OTHER, lambda: reads(1, "closed"))
        await asyncio.to_thread(closed.exposition)
        await closed.health()

    async def test_is_healthy_after_all_this(self, telemetry: Telemetry) -> None:
        assert (await telemetry.health()).ok
