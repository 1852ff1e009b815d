"""An engine's processes leave the CPUs to others while there is nothing to compute."""

import asyncio

import pytest

from jarvis.v1 import generation_pb2 as pb

pytestmark = pytest.mark.engine
SECONDS = 0.8
"""Less than the second for which vLLM looks for the next step without a pause."""


async def test_an_engine_that_waits_for_its_next_step_takes_no_cpu(observed):
    engine = [observed.process.core(), observed.process.worker()]

    def spent():
        return sum(sum(process.cpu_times()[:2]) for process in engine)

    await observed.generation.Generate(pb.GenerateRequest(prompt="Once"))
    before = spent()
    await asyncio.sleep(SECONDS)
    assert spent() - before < SECONDS / 2, "one that looks all the time takes all of it"
