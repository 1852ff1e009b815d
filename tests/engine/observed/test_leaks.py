"""What thousands of requests in a row leave behind, which is nothing."""

from itertools import count

import pytest

from jarvis.v1 import generation_pb2 as pb
from jarvis.v1 import server_pb2

pytestmark = pytest.mark.engine
POOLED = 4
"""How many more threads are no leak: a pool begins one when two requests happen to need one at once."""


@pytest.mark.parametrize(
    "number",
    [
        pytest.param(1000, marks=pytest.mark.timeout(900)),
        pytest.param(50_000, marks=[pytest.mark.long, pytest.mark.timeout(7200)]),
    ],
)
async def test_thousands_of_requests_in_a_row_leave_nothing_behind(observed, number):
    server, (core, *_) = observed.process.ps, observed.process.engines()

    def footprint():
        memory = [process.memory_info().rss / 2**20 for process in (server, core)]
        return memory, server.num_threads(), server.num_fds(), len(server.children(recursive=True))

    numbers = count(1)

    async def some(requests):
        for _ in range(requests):
            request = pb.GenerateRequest(
                prompt=f"{next(numbers)} is", sampling=pb.SamplingParams(max_tokens=1)
            )
            assert (await observed.generation.Generate(request)).choices

    await some(200)
    memory, threads, *rest = footprint()
    await some(number)
    grown, more_threads, *after = footprint()

    assert after == rest, "file descriptors, processes"
    assert more_threads <= threads + POOLED
    for before, now in zip(memory, grown, strict=True):
        assert now - before < 20, f"{before:.0f} MiB became {now:.0f} MiB"
    status = await observed.server.GetStatus(server_pb2.GetStatusRequest())
    assert status.active_requests == 0
