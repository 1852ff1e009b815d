"""A telemetry adapter that breaks its word, and raises."""

import asyncio

import pytest

from jarvis.app.slo import PROMISED_METHODS
from jarvis.core.telemetry import metrics
from jarvis.core.telemetry.instruments import Instruments
from jarvis.core.telemetry.objectives import Availability
from jarvis_adapters.no_telemetry import NoTelemetry
from jarvis_ports.errors import Overloaded
from jarvis_ports.values import Recent

FAILED = {"rpc.method": "jarvis.v1.GenerationService/Generate", "rpc.status_code": "INTERNAL"}


@pytest.fixture
def instruments():
    return Instruments(availability=Availability(PROMISED_METHODS, {"INTERNAL"}), clock=lambda: 0.0)


class Broken(NoTelemetry):
    """Raises wherever it can."""

    def _raise(self, *args, **kwargs):
        msg = "broken"
        raise RuntimeError(msg)

    count = observe = gauge = span = exposition = _raise


class BrokenSpan:
    def __init__(self, *, enter=False, leave=False, inside=False, swallow=False):
        self.enter, self.leave, self.inside, self.swallow = enter, leave, inside, swallow
        self.left_with = "not left"

    def fail(self, wanted):
        if wanted:
            msg = "broken"
            raise RuntimeError(msg)

    def __enter__(self):
        self.fail(self.enter)
        return self

    def __exit__(self, kind, error, traceback):
        self.left_with = error
        self.fail(self.leave)
        return self.swallow

    @property
    def trace(self):
        self.fail(self.inside)
        return {"traceparent": "own"}

    def set(self, attributes):
        self.fail(self.inside)

    def failed(self, reason):
        self.fail(self.inside)


def in_span(telemetry, span):
    telemetry.span = lambda *args, **kwargs: span
    return telemetry


def test_an_adapter_that_raises_is_heard_of_once(instruments, caplog):
    instruments.gauge(metrics.BUILD_INFO, list)
    with instruments.connected(Broken()):
        instruments.gauge(metrics.BUILD_INFO, list)
        instruments.observe(metrics.RPC_DURATION, 1, FAILED)
        instruments.count(metrics.TOKENS, {"type": "output"}, 5)
        assert instruments.exposition() is None
        with instruments.span("x", {}, trace={"traceparent": "caller's"}) as span:
            span.set({})
            span.failed("x")
            assert span.trace == {"traceparent": "caller's"}
    assert [record.getMessage() for record in caplog.records] == [
        "the telemetry adapter raised an error; more of them are not logged"
    ]
    assert caplog.records[0].exc_info[1].args == ("broken",)
    assert instruments.recent() == Recent(0, calls=1, failed_calls=1, output_tokens=5)
    with instruments.connected(Broken()):
        instruments.observe(metrics.RPC_DURATION, 1, FAILED)
    assert len(caplog.records) == 2, "another adapter is heard of again"


@pytest.mark.parametrize(
    "faults",
    [{"enter": True}, {"leave": True}, {"inside": True}, {"swallow": True}, {"leave": True, "inside": True}],
    ids=str,
)
@pytest.mark.parametrize(
    "error", [Overloaded("busy"), KeyError("x"), asyncio.CancelledError(), None], ids=repr
)
def test_a_broken_span_neither_breaks_a_call_nor_hides_what_it_raised(instruments, faults, error):
    done = []
    span = BrokenSpan(**faults)

    def work():
        with instruments.span("x", {}, trace={"traceparent": "caller's"}) as entered:
            entered.set({"a": 1})
            entered.failed("x")
            done.append(entered.trace["traceparent"])
            if error:
                raise error

    with instruments.connected(in_span(NoTelemetry(), span)):
        if error:
            with pytest.raises(type(error)) as raised:
                work()
            assert raised.value is error
        else:
            work()
    assert done == ["caller's" if {"enter", "inside"} & faults.keys() else "own"]
    if "enter" not in faults:
        assert span.left_with is error


def test_a_span_that_raises_again_what_the_call_raised_is_not_broken(instruments, caplog):
    class Reraises(BrokenSpan):
        def __exit__(self, kind, error, traceback):
            raise error

    def work():
        with instruments.span("x", {}):
            raise error

    error = Overloaded("busy")
    with instruments.connected(in_span(NoTelemetry(), Reraises())), pytest.raises(Overloaded):
        work()
    assert not caplog.records
