"""Fuzzed requests over every RPC: each gets a documented status at once, and nobody else notices."""

import asyncio
import os
import signal
from collections import Counter, defaultdict

import pytest

from tests.fuzz.attempts import ENDLESS, RARE, Attempts
from tests.fuzz.calling import SECONDS, problem, send
from tests.fuzz.messages import methods

AT_ONCE = 4
FROM, NUMBER, SEED = (os.environ.get(f"FUZZ_{name}") for name in ("FROM", "N", "SEED"))
# FUZZ_SEED=… FUZZ_FROM=… FUZZ_N=1 repeats one request.


async def fuzz(channel, fuzzed, seed, numbers):
    """Send requests, a few at a time; gives their outcomes."""
    attempts, left = Attempts(seed), iter(numbers)

    async def worker():
        return [await send(channel, attempts[number], fuzzed.key) for number in left]

    return [one for some in await asyncio.gather(*(worker() for _ in range(AT_ONCE))) for one in some]


async def too_slow(channel, fuzzed, outcomes):
    """Return the requests that take too long by themselves as well."""
    found = []
    for outcome in outcomes:
        alone = [outcome.seconds]
        while min(alone) > SECONDS and len(alone) < 4:
            alone.append((await send(channel, outcome.attempt, fuzzed.key)).seconds)
        if min(alone) > SECONDS:
            found.append(f"{min(alone):.2f} s: {outcome.attempt}")
    return found


def slowest(outcomes):
    """Return how long the slowest of each kind took."""
    kinds = defaultdict(list)
    for outcome in outcomes:
        kinds[f"{outcome.attempt.kind.partition(' ')[0]} {outcome.attempt.method.full_name}"].append(outcome)
    most = [(kind, max(of, key=lambda outcome: outcome.seconds)) for kind, of in kinds.items()]
    most.sort(key=lambda one: one[1].seconds, reverse=True)
    return "\n".join(f"  {one.seconds:6.3f} s  {kind} #{one.attempt.number}" for kind, one in most[:15])


async def check(channel, fuzzed, neighbour, seed, number):
    first = int(FROM or 0)
    outcomes = await fuzz(channel, fuzzed, seed, range(first, first + number))
    statuses = Counter(f"{o.code} {o.reason}".strip() for o in outcomes)
    run = f"FUZZ_SEED={seed} FUZZ_FROM={first} FUZZ_N={number}; {neighbour.answers} answers beside"
    print(run, statuses, "slowest:", slowest(outcomes), sep="\n")  # noqa: T201 - to be repeated
    bad = [
        f"{why}: {o.code} {o.reason} {o.told!r}\n  {o.attempt}"
        for o in outcomes
        if (why := problem(o, known=fuzzed.known))
    ]
    assert fuzzed.process.returncode is None, "the server is gone"
    assert not bad, f"FUZZ_SEED={seed}: {len(bad)} of {number}\n" + "\n".join(bad[:20])
    assert not (slow := await too_slow(channel, fuzzed, outcomes)), f"FUZZ_SEED={seed}\n" + "\n".join(slow)
    assert not neighbour.wrong
    assert not fuzzed.faults(), f"FUZZ_SEED={seed}\n" + "\n".join(fuzzed.faults()[:5])
    if FROM is None:
        assert neighbour.answers
        reached = {o.attempt.method.full_name for o in outcomes if o.code == "OK"}
        asked = {method.full_name for method in methods()} - ENDLESS - RARE
        assert asked <= reached, "no request got as far as an answer"


@pytest.mark.timeout(300)
async def test_each_gets_a_documented_status_and_nobody_else_notices(channel, fuzzed, neighbour):
    await check(channel, fuzzed, neighbour, SEED or "1", int(NUMBER or 1000))


@pytest.mark.long
@pytest.mark.timeout(3600)
async def test_each_of_thousands_gets_a_documented_status(channel, fuzzed, neighbour):
    seed = SEED or os.urandom(4).hex()
    await check(channel, fuzzed, neighbour, seed, int(NUMBER or 10_000))


async def test_the_server_ends_well(channel, fuzzed):
    fuzzed.process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(fuzzed.process.wait(), 40) == 0
    assert not fuzzed.faults()
