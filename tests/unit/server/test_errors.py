"""Errors on the wire."""

import pytest
from google.rpc import error_details_pb2

from jarvis.server.errors import INTERNAL, STATUS_CODES, internal, to_status
from jarvis_ports import errors


def every_reason():
    found, left = set(), [errors.JarvisError]
    while left:
        kind = left.pop()
        left += kind.__subclasses__()
        if "reason" in vars(kind):
            found.add(kind.reason)
    return found


def test_the_table_is_total():
    assert set(STATUS_CODES) == every_reason() | {INTERNAL}


def test_each_leaf_of_the_tree_is_drawn_with_its_reason():
    drawn = errors.__doc__.split()
    assert every_reason() <= set(drawn)


LONG = "ñ" * 5000
WORST = errors.InvalidArgument([errors.FieldViolation(f"{LONG}[{n}]", LONG) for n in range(100)])


@pytest.mark.parametrize("error", [WORST, errors.ModelNotFound(LONG, [LONG]), errors.EngineDead(LONG)])
def test_a_status_stays_under_four_kilobytes_whatever_the_caller_sent(error):
    _, status = to_status(error, "i" * 128)

    assert status.ByteSize() * 4 / 3 < 4096, "in base64"
    assert len(status.message.encode()) * 3 < 1024, "percent-encoded"


def test_details_say_what_when_and_whether_to_retry():
    code, status = to_status(errors.EngineDead("bye"), "id")

    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    assert code.name == "UNAVAILABLE"
    assert status.details[0].Unpack(info)
    assert (info.reason, info.domain, info.metadata["request_id"]) == ("ENGINE_DEAD", "jarvis", "id")
    assert status.details[1].Unpack(retry)
    assert retry.retry_delay.ToTimedelta().total_seconds() == 5


def test_what_nobody_foresaw_tells_the_caller_nothing_but_the_id():
    _, status = internal("abc")

    assert status.message == "internal error; the server's log has it under request abc"
