"""Servers with slots and bounded queues behind a balancer, of which some fail: a simulation by events."""

import heapq
import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count

Draw = Callable[[random.Random], float]
"""Draws the seconds for which a request holds its slot."""
Policy = Callable[[random.Random, Sequence[int], Sequence[int], int], int]
"""Picks one of the servers, from what is known of the load of each, and how many requests came before."""


def at_random(chance: random.Random, servers: Sequence[int], _loads: Sequence[int], _count: int) -> int:
    """Pick any server."""
    return servers[int(chance.random() * len(servers))]


def by_turns(_chance: random.Random, servers: Sequence[int], _loads: Sequence[int], count: int) -> int:
    """Pick the server after the last one."""
    return servers[count % len(servers)]


def of_two(chance: random.Random, servers: Sequence[int], loads: Sequence[int], _count: int) -> int:
    """Pick the less loaded of two servers that are drawn at random."""
    one, other = (servers[int(chance.random() * len(servers))] for _ in range(2))
    return one if loads[one] <= loads[other] else other


FAIL, NOTICE, RETURN = -3, -2, -1
"""What happens beside that a slot of a server, which has a number from 0 on, is free."""


@dataclass(frozen=True)
class Cluster:
    """What is simulated.

    Args:
        servers: how many there are.
        slots: how many requests each works on at a time.
        waiting: how many more may wait in each; others are refused.
        draw: the service times, in seconds.
        rate: requests a second, of all callers together, at random times (Poisson).
        pick: where the balancer sends each.
        known_after: how old, in seconds, what the balancer knows of the loads may be.
        failing: the share of servers that fail, all at once, at `fails_at`; they come back after `down`.
        noticed_after: the seconds for which the balancer still sends requests to those that failed.
    """

    servers: int
    slots: int
    waiting: int
    draw: Draw
    rate: float
    pick: Policy
    known_after: float = 0.0
    failing: float = 0.0
    fails_at: float = 0.0
    down: float = 0.0
    noticed_after: float = 0.0


@dataclass
class Outcome:
    """What became of the requests after the warm-up; those that still wait at the end are left out."""

    waits: list[float] = field(default_factory=list)
    """How long each that got a slot waited for it, in seconds."""
    refused: list[float] = field(default_factory=list)
    """When each came that found no room."""
    lost: list[float] = field(default_factory=list)
    """When each was lost with its server, or was sent to one that was down."""
    requests: int = 0


def simulate(cluster: Cluster, seconds: float, warm_up: float, seed: int) -> Outcome:
    """Simulate so many seconds after a warm-up; times count from its end. A seed gives the same again."""
    running = _Simulation(cluster, random.Random(seed))  # noqa: S311 - no secret
    running.run(-warm_up, seconds)
    return running.outcome


class _Simulation:
    def __init__(self, cluster: Cluster, chance: random.Random) -> None:
        self.cluster, self.chance = cluster, chance
        self.outcome = Outcome()
        self.everyone: Sequence[int] = range(cluster.servers)
        self.broken = self.everyone[: round(cluster.failing * cluster.servers)]
        self.alive, self.down = self.everyone, self.everyone[:0]
        self.loads, self.lives = [0] * cluster.servers, [0] * cluster.servers
        self.queues: list[deque[float]] = [deque() for _ in self.everyone]
        # When what happens: a server has a free slot, if it is still in that life; or one of these three.
        self.events = [
            (cluster.fails_at, FAIL, 0),
            (cluster.fails_at + cluster.noticed_after, NOTICE, 0),
            (cluster.fails_at + cluster.down, RETURN, 0),
        ]
        heapq.heapify(self.events)

    def run(self, now: float, end: float) -> None:
        cluster, chance, events = self.cluster, self.chance, self.events
        known, known_until = self.loads, now if cluster.known_after else float("inf")
        for number in count():
            now += chance.expovariate(cluster.rate)
            if now >= end:
                return
            while events and events[0][0] <= now:
                self._happen(*heapq.heappop(events))
            if now >= known_until:
                known, known_until = list(self.loads), now + cluster.known_after
            self._arrive(cluster.pick(chance, self.alive, known, number), now)

    def _happen(self, at: float, what: int, life: int) -> None:
        if what == FAIL:
            self.down = self.broken
            for server in self.broken:
                self.outcome.lost += [at] * self.loads[server]
                self.loads[server] = 0
                self.lives[server] += 1
                self.queues[server].clear()
        elif what == NOTICE:
            self.alive = self.everyone[len(self.broken) :]
        elif what == RETURN:
            self.alive, self.down = self.everyone, self.everyone[:0]
        elif life == self.lives[what]:
            self.loads[what] -= 1
            if self.queues[what]:
                self._begin(what, self.queues[what].popleft(), at)

    def _arrive(self, server: int, at: float) -> None:
        slots, waiting = self.cluster.slots, self.cluster.waiting
        self.outcome.requests += at >= 0
        if server in self.down:
            self.outcome.lost.append(at)
        elif self.loads[server] >= slots + waiting:
            if at >= 0:
                self.outcome.refused.append(at)
        else:
            self.loads[server] += 1
            if self.loads[server] <= slots:
                self._begin(server, at, at)
            else:
                self.queues[server].append(at)

    def _begin(self, server: int, came: float, at: float) -> None:
        heapq.heappush(self.events, (at + self.cluster.draw(self.chance), server, self.lives[server]))
        if came >= 0:
            self.outcome.waits.append(at - came)


def erlang_c(slots: int, load: float) -> float:
    """Return the share of requests that have to wait for one of the slots, by Erlang's formula.

    Args:
        slots: how many there are.
        load: how many would be taken if there were enough: the rate times the mean service time.
    """
    blocked = 1.0
    for number in range(1, slots + 1):  # Erlang B, by its recursion
        blocked = load * blocked / (number + load * blocked)
    return blocked / (1 - load / slots * (1 - blocked))
