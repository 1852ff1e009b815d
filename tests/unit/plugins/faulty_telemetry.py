"""A plugin of telemetry adapters that each break the port's contract in one way."""

import asyncio
import logging
import time
from contextlib import asynccontextmanager, contextmanager, suppress
from contextvars import ContextVar
from threading import Event, Thread

from pydantic import ConfigDict

from jarvis_adapters.opentelemetry.settings import OpenTelemetrySettings
from jarvis_adapters.opentelemetry.start import running_telemetry
from jarvis_plugins import hookimpl
from jarvis_ports.health import Health
from jarvis_ports.telemetry import Exposition, Metric

logger = logging.getLogger(__name__)


class Fault:
    """Passes all on to an adapter without a fault."""

    settings = OpenTelemetrySettings

    def __init__(self, inner):
        self.inner = inner

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def page(self, accept=""):
        return self.inner.exposition(accept).body.decode()

    @classmethod
    @asynccontextmanager
    async def open(cls, settings):
        async with running_telemetry(settings) as inner:
            yield cls(inner)


class Faultless(Fault):
    """The plain fault is none."""


class Sick(Fault):
    async def health(self):
        return Health(ok=False, message="sick")


class CountsOnce(Fault):
    def count(self, metric, attributes, by=1):
        self.inner.count(metric, attributes)


class HasItsOwnBuckets(Fault):
    def observe(self, metric, value, attributes):
        other = Metric(metric.kind, metric.name, metric.unit, metric.description, metric.attributes, (1, 2))
        self.inner.observe(other, value, attributes)


class TakesAnything(Fault):
    def observe(self, metric, value, attributes):
        assert 0 <= value < float("inf")
        self.inner.observe(metric, value, attributes)


class ShowsAll(Fault):
    def __init__(self, inner):
        super().__init__(inner)
        self.shown = set()

    def count(self, metric, attributes, by=1):
        self.shown |= {name.replace(".", "_") for name in attributes}
        self.inner.count(metric, attributes, by)

    def exposition(self, accept=""):
        return Exposition("text/plain", f"{self.page(accept)}# {self.shown}\n".encode())


class LosesThreads(Fault):
    counts = ContextVar("counts")

    def count(self, metric, attributes, by=1):
        if attributes["kit.case"] != "threads" or not self.counts.get(False):
            self.inner.count(metric, attributes, by)
        self.counts.set(True)


class ReadsOnce(Fault):
    def gauge(self, metric, read):
        values = list(read())
        self.inner.gauge(metric, lambda: values)


class KeepsTheFirst(Fault):
    def __init__(self, inner):
        super().__init__(inner)
        self.known = {}

    def gauge(self, metric, read):
        if "old" in str(list(read())) or metric.name not in self.known:
            self.known[metric.name] = read
        self.inner.gauge(metric, self.known[metric.name])


class Fragile(Fault):
    def __init__(self, inner):
        super().__init__(inner)
        self.reads = {}

    def gauge(self, metric, read):
        self.reads[metric.name] = read
        self.inner.gauge(metric, read)

    def exposition(self, accept=""):
        for read in self.reads.values():
            list(read())
        return self.inner.exposition(accept)


class Hangs(Fragile):
    """It notices failures alone."""

    def exposition(self, accept=""):
        with suppress(ZeroDivisionError):
            return super().exposition(accept)
        return self.inner.exposition(accept)


class OneAtATime(Fault):
    busy = False

    def exposition(self, accept=""):
        if self.busy:
            return Exposition("text/plain", b"")
        self.busy = True
        time.sleep(0.05)
        self.busy = False
        return self.inner.exposition(accept)


class Silent(Fault):
    def exposition(self, accept=""):
        return None


class Escapes(Fault):
    def exposition(self, accept=""):
        body = self.page(accept).replace('\\"', "'")
        return Exposition("text/plain", body.encode())


class Picky(Fault):
    def exposition(self, accept=""):
        return self.inner.exposition(accept) if "html" not in accept else Exposition("text/html", b"<p>")


class Shares(Fault):
    first = None

    def __init__(self, inner):
        super().__init__(inner)
        Shares.first = Shares.first or inner

    def count(self, metric, attributes, by=1):
        self.first.count(metric, attributes, by)

    def exposition(self, accept=""):
        return self.first.exposition(accept)


class EndsHard(Fault):
    closed = False

    def count(self, metric, attributes, by=1):
        assert not self.closed
        self.inner.count(metric, attributes, by)

    @classmethod
    @asynccontextmanager
    async def open(cls, settings):
        async with Fault.open(settings) as inner:
            opened = cls(inner)
            yield opened
        opened.closed = True


class StartsAnew(Fault):
    def span(self, name, attributes, *, kind=None, trace=None):
        return self.inner.span(name, attributes)


class Orphans(Fault):
    def span(self, name, attributes, *, kind=None, trace=None):
        other = {"traceparent": f"00-{1:032x}-{1:016x}-01"}
        return self.inner.span(name, attributes, trace=trace or other)


class Mixes(Fault):
    last = None

    def span(self, name, attributes, *, kind=None, trace=None):
        self.last = trace or self.last
        return self.inner.span(name, attributes, trace=self.last)


class TellsOfCallers(Fault):
    def span(self, name, attributes, *, trace=None, **rest):
        if trace and len(trace.get("traceparent", "")) != 55:
            logger.warning("malformed")
        return self.inner.span(name, attributes, trace=trace, **rest)


class Trusts(Fault):
    def span(self, name, attributes, *, trace=None, **rest):
        if trace:
            int(trace["traceparent"][:2], 16)
        return self.inner.span(name, attributes, trace=trace, **rest)


class Swallows(Fault):
    @contextmanager
    def span(self, name, attributes, **rest):
        with self.inner.span(name, attributes, **rest) as span:
            try:
                yield span
            except ValueError:
                return


class NeedsItsContext(Fault):
    inside = ContextVar("inside", default=False)

    @contextmanager
    def span(self, name, attributes, **rest):
        token = self.inside.set(True)
        try:
            with self.inner.span(name, attributes, **rest) as span:
                yield span
        finally:
            self.inside.reset(token)


class TellsOfLateness(Fault):
    @contextmanager
    def span(self, name, attributes, **rest):
        with self.inner.span(name, attributes, **rest) as span:
            yield span
        span.set = lambda attributes: logger.warning("too late")


class SlowHealth(Fault):
    async def health(self):
        await asyncio.sleep(8)
        return await self.inner.health()


class Waits(Fault):
    def count(self, metric, attributes, by=1):
        time.sleep(0.02)
        self.inner.count(metric, attributes, by)


class TakesLabelsAway(Fault):
    def count(self, metric, attributes, by=1):
        self.inner.count(metric, dict(attributes), by)
        attributes.clear()


class ThreadPerSpan(Fault):
    def span(self, name, attributes, **rest):
        Thread(target=Event().wait, daemon=True).start()
        return self.inner.span(name, attributes, **rest)


class LeavesItsThread(Fault):
    """Exports on when it is closed."""

    def __init__(self, inner):
        super().__init__(inner)
        Thread(target=Event().wait, daemon=True).start()


class LaxSettings(OpenTelemetrySettings):
    model_config = ConfigDict(extra="ignore")


class Lax(Fault):
    settings = LaxSettings


FAULTS = {fault.__name__: fault for fault in [*Fault.__subclasses__(), Hangs]}


@hookimpl
def jarvis_register_adapters(registry):
    for name, fault in FAULTS.items():
        registry.telemetry(name, settings=fault.settings, factory=fault.open)
