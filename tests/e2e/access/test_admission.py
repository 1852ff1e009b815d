"""More requests than a model can take, of several callers."""

import asyncio
from collections import Counter

import grpc
import pytest

from jarvis.access import keys
from jarvis.client import JarvisClient, RetryBudget
from jarvis.core.principal import Role
from jarvis.v1 import generation_pb2 as pb

SECONDS = 0.4
"""How long an answer takes."""
SAMPLING = {"max_tokens": 40, "ignore_eos": True}


@pytest.fixture
async def server(start, file):
    slow = ("models.echo.settings.tokens_per_second=100", "models.echo.max_running=2")
    bounds = ("models.echo.max_requests=20", 'callers.bounded={roles=["infer"], max_requests=1}')
    async with start(f'auth.keys="{file}"', *slow, *bounds) as running:
        yield running


@pytest.fixture
def request_of(server, file):
    """Send a request of a caller; gives the call."""
    shown = {}

    def request_of(caller, timeout=30):
        if caller not in shown:
            _, shown[caller] = keys.add(file, caller, [Role.INFER], None)
        request = pb.GenerateRequest(prompt="a b", sampling=pb.SamplingParams(**SAMPLING))
        metadata = (("authorization", f"Bearer {shown[caller]}"),)
        return server.generation.Generate(request, timeout=timeout, metadata=metadata)

    return request_of


async def test_a_greedy_caller_leaves_the_others_their_share(request_of):
    ended = []

    async def one(caller):
        await request_of(caller)
        ended.append(caller)

    async with asyncio.TaskGroup() as tasks:
        for caller in ["greedy"] * 14 + ["a", "b"] * 3:
            tasks.create_task(one(caller))
            await asyncio.sleep(0.005)
    # Two of the greedy one run when the others come; from then on each has a third.
    assert Counter(ended[2:11])["greedy"] <= 4


async def test_who_finds_no_room_is_told_when_there_will_be_some(request_of, failure):
    calls = [request_of("greedy") for _ in range(20)]
    await asyncio.sleep(3 * SECONDS)  # some have ended, so that it is known how long one takes
    more = [request_of("greedy") for _ in range(60)]
    refused = [call for call in more if await call.code() is not grpc.StatusCode.OK]
    assert refused
    for call in refused:
        code, reason, _, retry = await failure(call)
        assert (code, reason) == ("RESOURCE_EXHAUSTED", "OVERLOADED")
        assert SECONDS / 4 < retry < 30 * SECONDS
    await asyncio.gather(*calls)


async def test_if_there_is_no_room_one_of_the_greedy_caller_gives_way(request_of):
    calls = [request_of("greedy") for _ in range(60)]
    assert (await request_of("other")).choices
    for call in calls:
        call.cancel()


async def test_a_caller_has_bounds_of_its_own(request_of, failure):
    first = asyncio.ensure_future(request_of("bounded"))
    await asyncio.sleep(SECONDS / 4)
    assert (await failure(request_of("bounded")))[:2] == ("RESOURCE_EXHAUSTED", "OVERLOADED")
    assert (await first).choices
    assert (await request_of("bounded")).choices


async def test_a_deadline_that_cannot_be_kept_is_refused_at_once(request_of, failure):
    calls = [request_of("greedy") for _ in range(20)]
    await asyncio.sleep(3 * SECONDS)
    code, reason, _, retry = await failure(request_of("greedy", timeout=3 * SECONDS))
    assert (code, reason) == ("RESOURCE_EXHAUSTED", "DEADLINE_TOO_SHORT")
    assert retry > 0
    for call in calls:
        call.cancel()


async def test_the_client_comes_back_when_it_was_told_to(server, request_of, file):
    call = request_of("bounded")
    _, key = keys.add(file, "bounded", [Role.INFER], None)
    often = {"attempts": 8, "retry_budget": RetryBudget(100)}
    async with JarvisClient(server.instance.addresses[0], token=key, **often) as jarvis:
        answers = await asyncio.gather(*(jarvis.generate("a", **SAMPLING) for _ in range(2)))
    assert all(answer.text for answer in answers)
    assert (await call).choices
