import pytest

from jarvis_ports.filters import And, Equals, Exists, In, Not, Or, Range, matches


@pytest.mark.parametrize(
    ("filter_", "metadata", "passes"),
    [
        (None, {}, True),
        (Equals("x", "a"), {"x": "a"}, True),
        (Equals("x", "a"), {"x": "b"}, False),
        (Equals("x", "a"), {"y": "a"}, False),
        (Equals("x", 1), {"x": 1.0}, True),
        (Equals("x", 1.0), {"x": 1}, True),
        (Equals("x", 1), {"x": True}, False),
        (Equals("x", True), {"x": 1}, False),
        (Equals("x", True), {"x": True}, True),
        (Equals("x", 1), {"x": "1"}, False),
        (Equals("x", 2**53 + 1), {"x": float(2**53)}, False),
        (In("x", ("a", 1)), {"x": 1.0}, True),
        (In("x", (0, 1)), {"x": False}, False),
        (In("x", ("a",)), {}, False),
        (Range("x", gt=1), {"x": 1}, False),
        (Range("x", gte=1), {"x": 1}, True),
        (Range("x", lt=1.5), {"x": 1}, True),
        (Range("x", lte=1), {"x": 1.5}, False),
        (Range("x", gt=0, lt=2), {"x": 1}, True),
        (Range("x", gt=0, lt=2), {"x": 2}, False),
        (Range("x", gte=0), {"x": True}, False),
        (Range("x", gte=0), {"x": "1"}, False),
        (Range("x", gte=0), {}, False),
        (Range("x", gte=float("nan")), {"x": 1}, False),
        (Exists("x"), {"x": False}, True),
        (Exists("x"), {"y": 1}, False),
        (Not(Equals("x", 1)), {}, True),
        (Not(Range("x", gt=1)), {"x": "a"}, True),
        (Not(Exists("x")), {"x": 0}, False),
        (And((Exists("x"), Exists("y"))), {"x": 1}, False),
        (And((Exists("x"), Exists("y"))), {"x": 1, "y": 1}, True),
        (Or((Exists("x"), Exists("y"))), {"y": 1}, True),
        (Or((Exists("x"), Exists("y"))), {}, False),
    ],
)
def test_matches(filter_, metadata, passes):
    assert matches(filter_, metadata) is passes
