"""What is read from a call's metadata."""

from jarvis.server import context


class Call:
    def __init__(self, **metadata):
        self.metadata = metadata

    def invocation_metadata(self):
        return [(key.replace("_", "-"), value) for key, value in self.metadata.items()]

    def time_remaining(self):
        return None


TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_an_id_is_made_where_there_is_none():
    one, two = context.read(Call()), context.read(Call())

    assert one.request_id != two.request_id
    assert context.read(Call(x_request_id="mine")).request_id == "mine"


def test_a_trace_is_carried_on():
    call = context.read(Call(traceparent=TRACE, tracestate="a=b", other="c"))

    assert call.trace == {"traceparent": TRACE, "tracestate": "a=b"}
    assert call.ids["trace_id"] == "4bf92f3577b34da6a3ce929d0e0e4736"


def test_a_malformed_trace_is_left_out():
    assert context.read(Call(traceparent="00-xyz", tracestate="a=b")).trace == {}
