"""Answering a stream of requests in order while reading ahead."""

import asyncio
from contextlib import aclosing

import pytest

from jarvis.core.in_order import in_order


class Work:
    """Answers a number with its double once it may; negative numbers fail."""

    def __init__(self, *numbers, ends=None):
        self.numbers = numbers
        self.ends = ends
        self.read = []
        self.cancelled = []
        self.may = asyncio.Event()

    async def requests(self):
        for number in self.numbers:
            self.read.append(number)
            yield number
        if self.ends:
            raise self.ends

    async def answer(self, number):
        try:
            if number == 0:
                await self.may.wait()
        except asyncio.CancelledError:
            self.cancelled.append(number)
            raise
        if number < 0:
            raise ValueError(number)
        return 2 * number

    def answers(self, ahead=3):
        return aclosing(in_order(self.requests(), self.answer, ahead))


async def settle():
    for _ in range(20):
        await asyncio.sleep(0)


async def test_answers_keep_the_order_of_the_requests():
    work = Work(0, 1, 2, 3, 4, 5)
    asyncio.get_running_loop().call_later(0.01, work.may.set)
    async with work.answers() as answers:
        assert [answer async for answer in answers] == [0, 2, 4, 6, 8, 10]


async def test_no_more_is_read_than_may_be_ahead():
    work = Work(0, *range(1, 10))
    async with work.answers(ahead=3) as answers:
        first = asyncio.create_task(anext(answers))
        await settle()
        assert work.read == [0, 1, 2]
        work.may.set()
        assert await first == 0
        await settle()
        assert work.read == [0, 1, 2], "the answer is not sent until the next is asked for"
        assert await anext(answers) == 2
        await settle()
        assert work.read == [0, 1, 2, 3]


async def test_a_failure_comes_after_the_answers_before_it_and_ends_the_others():
    work = Work(1, 2, -3, 0, -5)
    async with work.answers(ahead=9) as answers:
        assert [await anext(answers) for _ in range(2)] == [2, 4]
        with pytest.raises(ValueError, match="-3"):
            await anext(answers)
    assert work.cancelled == [0]


async def test_a_request_that_cannot_be_read_fails_in_its_turn():
    work = Work(1, 2, ends=ValueError("no message"))
    async with work.answers() as answers:
        assert [await anext(answers) for _ in range(2)] == [2, 4]
        with pytest.raises(ValueError, match="no message"):
            await anext(answers)


@pytest.mark.parametrize("waits", [True, False])
async def test_one_who_leaves_ends_all_that_was_begun(waits):
    work = Work(*([0] if waits else [1]), 0, 0)
    async with work.answers() as answers:
        task = asyncio.create_task(anext(answers))
        await settle()
        task.cancel()
        await asyncio.wait([task])
    assert work.cancelled == [0] * (3 if waits else 2)
