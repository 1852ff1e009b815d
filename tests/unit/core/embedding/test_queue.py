"""Which texts go together."""

import pytest

from jarvis.core.embedding.queue import Flight, Kind, Queue
from jarvis_ports.embedding import TextRole

COST = 256
DOCUMENTS, QUERIES = Kind("m", TextRole.DOCUMENT), Kind("m", TextRole.QUERY)


def flights(name, *lengths):
    return [Flight(b"", f"{name}{i}", length, length, waiters=1) for i, length in enumerate(lengths)]


def taken(queue):
    kind, found = queue.take(COST)
    return kind, [flight.text for flight in found]


def all_of(queue):
    batches = []
    while queue:
        batches.append([flight.length for flight in queue.take(COST)[1]])
    return batches


async def test_texts_of_one_request_each_are_first_in_first_out():
    queue = Queue(10)
    for name in "abcde":
        queue.add(DOCUMENTS, flights(name, 4))
    assert [taken(queue)[1] for _ in range(3)] == [["a0", "b0"], ["c0", "d0"], ["e0"]]
    assert not queue


async def test_a_large_request_does_not_hold_up_a_small_one():
    queue = Queue(10)
    queue.add(DOCUMENTS, flights("big", *[5] * 100))
    taken(queue)
    queue.add(DOCUMENTS, flights("small", 5))
    assert taken(queue) == (DOCUMENTS, ["big2", "small0"])


async def test_a_large_request_does_not_hold_up_a_small_one_of_another_length():
    queue = Queue(5_000)
    queue.add(DOCUMENTS, flights("big", *[COST * 2] * 100))
    queue.add(DOCUMENTS, flights("small", 5))
    assert len(taken(queue)[1]) == 5_000 // (COST * 2)
    assert taken(queue) == (DOCUMENTS, ["small0"])


async def test_a_batch_is_no_larger_than_its_cost_makes_it_worth():
    queue = Queue(100 * COST)
    queue.add(DOCUMENTS, flights("a", *[COST] * 50))
    queue.add(QUERIES, flights("q", 5))
    assert len(taken(queue)[1]) == 20
    assert taken(queue) == (QUERIES, ["q0"])


async def test_the_longest_texts_of_a_request_go_first():
    queue = Queue(10)
    queue.add(DOCUMENTS, flights("a", 2, 9, 4, 3))
    assert [taken(queue)[1] for _ in range(3)] == [["a1"], ["a2", "a3"], ["a0"]]


async def test_a_text_over_the_budget_goes_alone_and_in_its_turn():
    queue = Queue(10)
    queue.add(DOCUMENTS, flights("a", 3))
    queue.add(DOCUMENTS, flights("huge", 99))
    queue.add(DOCUMENTS, flights("b", 3))
    assert [taken(queue)[1] for _ in range(3)] == [["a0"], ["huge0"], ["b0"]]
    assert not queue


async def test_roles_are_not_mixed_and_take_turns():
    queue = Queue(10)
    queue.add(DOCUMENTS, flights("d", *[5] * 4))
    queue.add(QUERIES, flights("q", *[5] * 4))
    kinds = [taken(queue)[0] for _ in range(4)]
    assert kinds == [DOCUMENTS, QUERIES, DOCUMENTS, QUERIES]
    assert not queue


async def test_texts_that_nobody_waits_for_are_left_out():
    queue = Queue(100)
    gone, stays = flights("gone", 1, 2), flights("stays", 3)
    queue.add(DOCUMENTS, gone)
    queue.add(DOCUMENTS, stays)
    for flight in gone:
        flight.waiters = 0
    assert taken(queue) == (DOCUMENTS, ["stays0"])
    assert not queue


async def test_texts_that_nobody_waits_for_are_nothing_on_their_own():
    queue = Queue(100)
    (gone,) = flights("gone", 1)
    queue.add(DOCUMENTS, [gone])
    gone.waiters = 0
    assert taken(queue) == (DOCUMENTS, [])
    assert not queue


async def test_a_batch_is_within_the_budget_when_padded():
    queue = Queue(200)
    queue.add(DOCUMENTS, flights("a", 1, 100, 60, 7, 90, 90, 13, 100, 2, 2, 40))
    assert all(max(lengths) * len(lengths) <= 200 for lengths in all_of(queue))


@pytest.mark.parametrize("first", [9, COST + 10])
async def test_a_batch_pads_less_than_another_one_would_cost(first):
    queue = Queue(10_000)
    queue.add(DOCUMENTS, flights("first", first))
    queue.add(DOCUMENTS, flights("a", *[COST + 10] * 3, *[9] * 8))
    assert all(len(set(lengths)) == 1 for lengths in all_of(queue))


async def test_short_texts_go_together_however_their_lengths_differ():
    queue = Queue(10_000)
    queue.add(DOCUMENTS, flights("a", 3, 20, 9))
    assert all_of(queue) == [[20, 9, 3]]
