"""What is let in that is for no model."""

import pytest

from jarvis.core.admission import Arrival, Intake


@pytest.mark.parametrize("slots", [None, 2])
async def test_a_short_request_beside_long_ones_is_not_refused_for_its_deadline(clock, slots):
    intake = Intake("the change of collections", slots)
    for _ in range(70):
        async with intake.request(Arrival("ingests")):
            clock.now += 3600
    async with intake.request(Arrival("ingests")), intake.request(Arrival("deletes", clock.now + 5)):
        assert intake.queued == 0
