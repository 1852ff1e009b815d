"""What is kept of streams that can be taken up again, and how much."""

import asyncio
from contextlib import aclosing, asynccontextmanager

import pytest

from jarvis.core.generation import replay
from jarvis.core.generation.replay import OVERHEAD, Replays
from jarvis_ports.errors import EventsLost, InvalidArgument
from jarvis_ports.values import Delta, ToolCallDelta

KEY = ("caller", "r")
ROOM = 20
"""How many events of one character there is room for."""


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(replay, "MOST_CHARACTERS", ROOM * (OVERHEAD + 1))


@pytest.fixture
async def kept_for():
    """Make a keeper of streams; what still runs at the end is given up."""
    made = []

    def kept_for(seconds):
        made.append(Replays(seconds))
        return made[-1]

    yield kept_for
    tasks = [kept.task for replays in made for kept in replays._kept.values()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks)


class Source:
    """An answer of many events, that counts how many of them were taken."""

    def __init__(self, number, event=lambda number: Delta(0, str(number % 10))):
        self._number = number
        self._event = event
        self.taken = 0
        self.closed = False

    @asynccontextmanager
    async def open(self):
        async def each():
            for number in range(1, self._number + 1):
                self.taken = number
                yield self._event(number)
                await asyncio.sleep(0)

        try:
            yield each()
        finally:
            self.closed = True


async def settled():
    for _ in range(500):
        await asyncio.sleep(0)


async def sequences(events, most=None):
    found = []
    async with aclosing(events):
        async for numbered in events:
            found.append(numbered.sequence)
            if len(found) == most:
                break
    return found


async def test_an_answer_that_nobody_reads_waits_when_there_is_no_room(kept_for):
    source = Source(100)
    kept = kept_for(60).begin(KEY, b"", source.open)
    await settled()
    assert ROOM <= source.taken <= ROOM + 2
    assert await sequences(kept.read()) == list(range(1, 101))
    assert source.closed


@pytest.mark.parametrize(
    "large",
    [
        Delta(0, "", reasoning="x" * 10 * OVERHEAD),
        Delta(0, "", tool_calls=(ToolCallDelta(0, arguments="x" * 10 * OVERHEAD),)),
    ],
    ids=["reasoning", "a call"],
)
async def test_reasoning_and_calls_take_room_as_text_does(kept_for, large):
    source = Source(100, lambda _: large)
    kept_for(60).begin(KEY, b"", source.open)
    await settled()
    assert source.taken < ROOM / 2


async def test_of_what_was_read_the_newest_is_kept(kept_for):
    source = Source(100)
    kept = kept_for(60).begin(KEY, b"", source.open)
    assert await sequences(kept.read(), 50) == list(range(1, 51))
    with pytest.raises(EventsLost, match=r"events .* are kept, and not all that follow 3"):
        await anext(kept.read(3))
    assert await sequences(kept.read(40)) == list(range(41, 101))


async def test_one_that_nobody_takes_up_is_given_up(kept_for):
    source = Source(100)
    replays = kept_for(0.05)
    kept = replays.begin(KEY, b"", source.open)
    await sequences(kept.read(), 5)
    async with asyncio.timeout(5):
        while not source.closed:
            await asyncio.sleep(0.01)
    assert source.taken < 100
    assert replays.begin(KEY, b"another", source.open) is not kept


async def test_one_that_is_taken_up_in_time_is_not(kept_for):
    source = Source(100)
    kept = kept_for(0.2).begin(KEY, b"", source.open)
    await sequences(kept.read(), 5)
    events = kept.read(5)
    async with aclosing(events):
        await anext(events)
        await asyncio.sleep(0.4)
        assert not source.closed
        assert [one.sequence async for one in events] == list(range(7, 101))


async def test_an_id_stands_for_one_request(kept_for):
    replays = kept_for(60)
    kept = replays.begin(KEY, b"one", Source(3).open)
    assert replays.begin(KEY, b"one", Source(3).open) is kept
    with pytest.raises(InvalidArgument, match="'r' stands for another request"):
        replays.begin(KEY, b"other", Source(3).open)


async def test_only_so_many_are_kept_after_their_end(monkeypatch, kept_for):
    monkeypatch.setattr(replay, "MOST_ENDED", 3)
    replays = kept_for(60)
    for number in range(10):
        await sequences(replays.begin(("c", str(number)), b"", Source(1).open).read())
    found = [replays.begin(("c", str(number)), b"", Source(1).open).ended for number in range(10)]
    assert found == [False] * 7 + [True] * 3


async def test_two_may_read_at_once_if_neither_is_alone(kept_for):
    kept = kept_for(60).begin(KEY, b"", Source(10).open)
    both = await asyncio.gather(*(sequences(kept.read(alone=False)) for _ in range(2)))
    assert both == [list(range(1, 11))] * 2


async def test_a_reader_that_another_has_left_behind_is_told_so(kept_for):
    kept = kept_for(60).begin(KEY, b"", Source(100).open)
    slow = kept.read(alone=False)
    await anext(slow)
    assert await sequences(kept.read(alone=False)) == list(range(1, 101))
    with pytest.raises(EventsLost, match="not all that follow 1"):
        await asyncio.wait_for(anext(slow), 5)
