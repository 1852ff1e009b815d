"""What happens where the disk is slower than those who log."""

import logging
import time

logger = logging.getLogger("jarvis.test")


def fill(gate, records):
    """Let the writer hang with one record, and leave so many in the queue."""
    logger.info("in hand")
    gate.hanging.wait()
    for n in range(records):
        logger.info("%d", n)


def test_a_full_queue_drops_counts_and_tells(gate, to_file):
    dropped = []
    with to_file(queue_size=10, on_drop=lambda: dropped.append(1)) as log:
        fill(gate, 13)
        assert (log.dropped, len(dropped)) == (3, 3)
        gate.open.set()
        assert log.flush(10)
        logger.info("after")

    assert [m for m in gate.messages if m.isdigit()] == [str(n) for n in range(10)]
    (told,) = [line for line in gate.lines if line["logger"] == "jarvis.logs"]
    assert (told["message"], told["level"]) == ("3 log records were dropped", "WARNING")
    assert gate.messages[-1] == "after"


def test_drops_are_told_again_when_there_are_new_ones(gate, to_file):
    with to_file(queue_size=10) as log:
        for _ in range(2):
            gate.open.clear()
            gate.hanging.clear()
            fill(gate, 12)
            gate.open.set()
            assert log.flush(10)

    assert [m for m in gate.messages if "dropped" in m] == ["2 log records were dropped"] * 2


def test_errors_are_never_dropped(gate, to_file):
    with to_file(queue_size=10) as log:
        fill(gate, 10)
        for n in range(100):
            logger.error("error %d", n)
            logger.warning("warning %d", n)
        assert log.dropped == 100
        gate.open.set()

    assert [m for m in gate.messages if m.startswith("error")] == [f"error {n}" for n in range(100)]


def test_a_caller_never_waits_for_the_disk(gate, to_file):
    with to_file(queue_size=10):
        started = time.monotonic()
        fill(gate, 1000)
        assert not gate.open.is_set(), "it still hangs"
        assert time.monotonic() - started < 10, "the writer would hang for ever"
        gate.open.set()


def test_what_is_logged_of_a_drop_does_not_come_back(gate, to_file):
    def on_drop():
        logger.error("dropped one")
        raise RuntimeError

    with to_file(queue_size=1, on_drop=on_drop) as log:
        fill(gate, 3)
        assert log.dropped == 2 + 2, "two records, and what was logged of each"
        gate.open.set()

    assert "dropped one" not in gate.messages
