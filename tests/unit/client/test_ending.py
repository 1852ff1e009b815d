"""Tests for the status that a call is said to have ended with, where grpcio lost it."""

import grpc
import pytest

from jarvis.client import ending
from jarvis.client.ending import Ending


class Unanswered:
    """A call of which nothing but grpcio's own status is ever known."""

    def __init__(self, left: float | None) -> None:
        self._left = left

    def add_done_callback(self, callback):
        """Never called."""

    def time_remaining(self):
        return self._left


@pytest.mark.parametrize(("left", "code"), [(0, "DEADLINE_EXCEEDED"), (60, "INTERNAL"), (None, "INTERNAL")])
async def test_a_lost_status_is_that_of_the_deadline_once_that_has_passed(monkeypatch, left, code):
    monkeypatch.setattr(ending, "LIMIT_SECONDS", 0.01)
    empty = grpc.aio.Metadata()
    found = grpc.aio.AioRpcError(ending.MADE_UP[0], empty, empty, details=ending.MADE_UP[1])
    error = await Ending(Unanswered(left)).error(found)
    assert error.code().name == code
