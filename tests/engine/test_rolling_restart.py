"""Two servers with real engines are restarted one after the other, and their callers lose nothing."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from tests.engine.support import START, TOKENS, seeded
from tests.rolling import restart_in_turn, two_addresses

pytestmark = [pytest.mark.engine, pytest.mark.long, pytest.mark.timeout(1800)]
"""Long, because four engines start, two of them on the CPUs on which another one answers."""
CALLERS = 4
PROMPTS = 7
PAUSE_SECONDS = 0.2
"""Between two requests of a caller: without it, they would take the CPUs that an engine starts on."""


async def test_a_rolling_restart_loses_no_request_and_no_token(serve, connect, ready, tiny, tmp_path_factory):
    addresses = two_addresses()
    folders = {address: tmp_path_factory.mktemp("rolling") for address in addresses}

    @asynccontextmanager
    async def one(address):
        folder = folders[address]
        listen = f'server.listen=["unix:{folder}/jarvis.sock", "{address}"]'
        async with serve(folder, *tiny, listen) as server, connect(server.address) as peer:
            await ready(server, peer)
            yield peer

    numbers = iter(range(1_000_000))

    async def ask(stub):
        number = next(numbers) % PROMPTS
        answer = await seeded(stub, number)
        await asyncio.sleep(PAUSE_SECONDS)
        return number, answer

    answers = await restart_in_turn(addresses, one, ask, CALLERS, within=START)
    assert len(answers) > 4 * CALLERS
    assert all(len(ids) == counted == TOKENS for _, (ids, counted) in answers)
    assert len(set(answers)) == PROMPTS, "each answer is the same every time, whoever gave it"
