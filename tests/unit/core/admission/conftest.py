"""A model with few slots, and callers who want in."""

import asyncio
import time

import pytest

from jarvis.core.admission import Admission, Arrival, Bounds, CallerTerms, Scopes, Ticket


async def settle():
    """Let every task that can go on do so."""
    for _ in range(10):
        await asyncio.sleep(0)


class Clock:
    """Time that passes when a test says so."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


class Desk:
    """Sends requests to one model, and ends those that run."""

    def __init__(self, clock, slots, bounds, scopes):
        self.clock = clock
        self.slots = slots
        self.admission = Admission("model 'm'", bounds, scopes)
        self.running = []
        self.served = []
        self.tasks = []

    @property
    def waiting(self):
        return len(self.admission._queue)

    async def ask(self, caller="", *, left=None, characters=4, sequences=1, priority=0):
        """Send a request; gives its task, which waits or runs by then."""
        deadline = None if left is None else self.clock() + left
        arrival = Arrival(caller, deadline)
        ticket = Ticket(arrival, characters, sequences, priority, arrived=self.clock(), asked=self.clock())
        task = asyncio.create_task(self._run(ticket))
        self.tasks.append(task)
        await settle()
        return task

    async def _run(self, ticket):
        async with self.admission.slot(ticket, self.slots):
            self.admission.began(ticket)
            self.served.append(ticket.arrival.caller)
            done = asyncio.Event()
            self.running.append((ticket, done))
            await done.wait()
        return ticket

    async def finish(self, times=1, seconds=1.0):
        """End that which has run for longest, after some seconds of work of every slot; again and again."""
        for _ in range(times):
            self.clock.now += seconds / (self.slots or 1)
            _, done = self.running.pop(0)
            done.set()
            await settle()

    def emptied(self):
        scopes = self.admission._scopes
        counts = [(one.requests, one.queued_tokens) for one in (self.admission._model, scopes.total)]
        return counts == [(0, 0)] * 2 and not self.admission._taken and not scopes._callers


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock)
    return clock


@pytest.fixture
async def desk(clock):
    """Make a model; in the end nothing is left in it."""
    made = []

    def desk(slots=1, model=Bounds(), total=Bounds(), **callers):
        terms = {
            name: given if isinstance(given, CallerTerms) else CallerTerms(given)
            for name, given in callers.items()
        }
        made.append(Desk(clock, slots, model, Scopes(total, terms)))
        return made[-1]

    yield desk
    tasks = [task for one in made for task in one.tasks]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert all(one.emptied() for one in made)
