"""What `bench.faults` takes for right, and for wrong."""

import pytest

from bench.faults.row import Call, Kept, back_after, judged, table

GONE = "UNAVAILABLE STORE_UNAVAILABLE, retry"


def call(began, ended, failure=""):
    return Call(began, ended, failure)


def row(**changed):
    right = {
        "since": 10.0,
        "hit": [call(9, 9.5), call(10, 11, GONE), call(14, 14.5)],
        "beside": [call(10, 12)],
        "expected": {GONE},
        "kept": [Kept("rows", 3, 3)],
    }
    return judged("store gone", **(right | changed))


def test_a_row_in_which_all_is_as_it_should_be():
    found = row()
    assert found.wrong == []
    assert found.hit == f"1 times {GONE}; 1 served, the slowest in 0.5 s"
    assert found.kept == "rows 3 of 3"
    assert found.again == "after 4.5 s"


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({"expected": ()}, f"was told {GONE}"),
        ({"hit": [call(10, 11, GONE)]}, "did not serve again"),
        ({"hit": [call(10, 11)]}, "nobody noticed the fault: it did not happen"),
        ({"beside": [call(10, 11, "a wrong answer")]}, "who it does not hit was told a wrong answer"),
        ({"beside": [call(8, 9)]}, "nobody called beside it"),
        ({"kept": [Kept("rows", 3, 2)]}, "lost: rows 2 of 3"),
        ({"wrong": ["it ended with a traceback"]}, "it ended with a traceback"),
    ],
)
def test_what_is_not_is_named(changed, wrong):
    assert row(**changed).wrong == [wrong]


def test_calls_that_ended_before_the_fault_do_not_count():
    assert row(hit=[call(8, 9, "no connection"), *[call(10, 11, GONE), call(12, 13)]]).wrong == []


@pytest.mark.parametrize(
    ("calls", "after"),
    [
        ([call(1, 2, GONE), call(1, 3), call(2.5, 4)], 4.0),
        ([call(1, 2, GONE), call(1, 3)], None),
        ([call(1, 2, GONE), call(2, 3), call(3, 5, GONE), call(6, 7)], 7.0),
    ],
)
def test_calls_are_served_again_once_the_last_failure_is_behind(calls, after):
    assert back_after(calls, 0) == after
    assert back_after([*calls, call(-2, -1, GONE)], 0) == after, "the one before the fault does not count"


def test_the_time_counts_from_when_the_cause_was_taken_away():
    assert row(healed=12.0).again == "after 2.5 s"


def test_more_than_was_acknowledged_is_not_told_of():
    assert str(Kept("rows", 3, 5)) == "rows 3 of 3"


def test_where_nobody_was_to_notice_calls_never_stopped():
    found = row(hit=[call(10, 11)], expected=())
    assert (found.again, found.wrong) == ("never stopped", [])


def test_the_table_has_a_line_for_each_row():
    lines = table([row(), row()]).splitlines()
    assert len(lines) == 4
    assert {line.count("|") for line in lines} == {6}
