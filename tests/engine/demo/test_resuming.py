"""Streams of the real engine whose connections are cut, and that are taken up again."""

import asyncio
import os

import pytest

from tests.cuts import cut_at_random

pytestmark = [pytest.mark.engine, pytest.mark.long, pytest.mark.timeout(1200)]
SEED = int(os.environ.get("RESUME_SEED", "1"))
STREAMS = 4
CUTS = 200
"""Of all streams together."""


async def test_no_token_is_lost_or_repeated_over_many_cuts(engine):
    address = engine.process.address
    sampling = {"max_tokens": 60, "ignore_eos": True, "temperature": 1.0}
    texts = await asyncio.gather(
        *(
            cut_at_random(address, "Once upon a time", {**sampling, "seed": seed}, CUTS // STREAMS, seed)
            for seed in range(SEED, SEED + STREAMS)
        )
    )
    assert len(set(texts)) == STREAMS, "each seed has an answer of its own"
