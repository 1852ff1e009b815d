"""The tests of spans that every adapter for the `Telemetry` port passes."""

import asyncio
import re
from collections.abc import AsyncIterator

import pytest

from jarvis_plugins.registry import PortName
from jarvis_plugins.testkit.base import AdapterConformance
from jarvis_ports.errors import JarvisError, Overloaded
from jarvis_ports.telemetry import Span, SpanKind, Telemetry

CALLER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
TRACEPARENT = re.compile("00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}")
MALFORMED = {
    "empty": {"traceparent": ""},
    "no context": {"x-request-id": "1"},
    "garbage": {"traceparent": "\x00ñ" * 9},
    "too long": {"traceparent": CALLER + "-" + "0" * 100_000},
    "zeros": {"traceparent": f"00-{'0' * 32}-{'0' * 16}-00"},
    "capitals": {"traceparent": CALLER.upper()},
    "state alone": {"tracestate": "a=1"},
    "a bad state": {"traceparent": CALLER, "tracestate": "=,,;" * 9},
    "a long state": {"traceparent": CALLER, "tracestate": "a=1," * 100_000},
}
LEAVES = {
    "an error of a port": Overloaded("full"),
    "an error without a reason": JarvisError("raw"),
    "another error": ValueError("what was asked"),
    "a cancellation": asyncio.CancelledError(),
    "the end of a generator": GeneratorExit(),
}


def trace_id(span: Span) -> str | None:
    """Return the id of the trace to which a span belongs, or None if there is no trace."""
    if not span.trace:
        return None
    found = TRACEPARENT.fullmatch(span.trace["traceparent"])
    assert found, f"not as W3C has it: {span.trace}"
    return found[1]


@pytest.mark.asyncio(loop_scope="class")
class TracingConformance(AdapterConformance):
    """One half of `TelemetryConformance`."""

    port = PortName.TELEMETRY

    @pytest.fixture(scope="class")
    @classmethod
    def telemetry(cls, opened: Telemetry) -> Telemetry:
        return opened

    async def test_a_callers_trace_is_continued(self, telemetry: Telemetry) -> None:
        with telemetry.span("call", {"a": "b"}, kind=SpanKind.SERVER, trace={"traceparent": CALLER}) as span:
            assert trace_id(span) == CALLER.split("-")[1]

    async def test_a_span_is_of_the_trace_of_the_span_around_it(self, telemetry: Telemetry) -> None:
        with telemetry.span("call", {}, kind=SpanKind.SERVER, trace={"traceparent": CALLER}) as outer:
            with telemetry.span("part", {}) as inner:
                assert trace_id(inner) == trace_id(outer)
            with telemetry.span("ask", {}, kind=SpanKind.CLIENT) as after:
                assert trace_id(after) == trace_id(outer)
        with telemetry.span("call", {}) as later:
            assert trace_id(later) != trace_id(outer)

    async def test_calls_at_once_do_not_mix(self, telemetry: Telemetry) -> None:
        async def call(number: int) -> None:
            own = f"{number:032x}"
            with telemetry.span("call", {}, trace={"traceparent": f"00-{own}-00f067aa0ba902b7-01"}) as span:
                for _ in range(3):
                    await asyncio.sleep(0)
                    with telemetry.span("part", {}) as part:
                        await asyncio.sleep(0)
                        assert trace_id(part) == own
                assert trace_id(span) == own

        await asyncio.gather(*(call(number) for number in range(1, 20)))

    @pytest.mark.parametrize("name", MALFORMED)
    async def test_malformed_contexts_harm_nothing_and_are_not_logged(
        self, telemetry: Telemetry, name: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        with telemetry.span("call", {}, trace=MALFORMED[name]):
            pass
        assert not caplog.messages, "a caller can send as many as they like"

    @pytest.mark.parametrize("name", LEAVES)
    async def test_errors_leave_a_span_as_they_are(self, telemetry: Telemetry, name: str) -> None:
        error = LEAVES[name]
        with pytest.raises(type(error)) as caught, telemetry.span("call", {}):
            raise error
        assert caught.value is error

    async def test_a_span_may_be_left_elsewhere(
        self, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def stream() -> AsyncIterator[int]:
            with telemetry.span("stream", {}):
                yield 1
                yield 2

        for began_here in (True, False):
            numbers = stream()
            first = anext(numbers)
            assert await (first if began_here else asyncio.ensure_future(first)) == 1
            await asyncio.create_task(_close(numbers))
        assert not caplog.messages

    async def test_what_is_said_of_a_span_too_late_is_ignored(
        self, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
    ) -> None:
        with telemetry.span("call", {}) as span:
            span.set({"tokens": 3, "model": "m", "reasons": ("stop", "length")})
            span.failed("OVERLOADED")
        span.set({"tokens": 4})
        span.failed("ENGINE_DEAD")
        assert not caplog.messages


async def _close(numbers: AsyncIterator[int]) -> None:
    await numbers.aclose()  # type: ignore[attr-defined] # it is a generator
