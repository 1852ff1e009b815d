"""How a server fares, read from its answer."""

import pytest

from jarvis.client import Gpu, HealthLevel, Objective, Quantiles, Recent
from jarvis.v1 import server_pb2 as pb
from jarvis.wire.server import STATUS


def status(**fields):
    return STATUS.read(pb.GetStatusResponse(state=pb.STATE_READY, **fields))


@pytest.mark.parametrize("level", HealthLevel)
def test_health(level):
    assert status(health=f"HEALTH_{level.name}").health is level


def test_a_health_that_only_a_newer_client_knows_is_unknown():
    found = status(health=99).health
    assert found is HealthLevel.unknown()
    assert found == "unknown"
    assert found not in list(HealthLevel)


def test_a_server_that_is_too_old_tells_no_health():
    assert status().health is None


def test_memory():
    gpu = pb.Gpu(id=1, name="H100", memory_total_bytes=80 * 2**30, memory_used_bytes=5)
    found = status(gpus=[gpu], resident_memory_bytes=7)
    assert found.gpus == (Gpu(1, "H100", 80 * 2**30, 5),)
    assert found.resident_memory_bytes == 7


def test_what_was_measured_of_late():
    recent = pb.Recent(
        window_seconds=60,
        calls=9,
        failed_calls=2,
        latency_p50_seconds=0,
        latency_p95_seconds=1,
        latency_p99_seconds=2,
        time_to_first_token_p50_seconds=3,
        time_to_first_token_p95_seconds=4,
        time_to_first_token_p99_seconds=5,
        output_tokens=70,
        cache_hit_ratio=0,
    )
    assert status(recent=recent).recent == Recent(60, 9, 2, Quantiles(0, 1, 2), Quantiles(3, 4, 5), 70, 0)


def test_what_was_not_measured_is_none_and_not_zero():
    assert status(recent=pb.Recent(window_seconds=60)).recent == Recent(60, 0, 0, None, None, 0, None)


def test_objectives():
    availability = pb.Objective(
        name="availability", objective=0.5, window_seconds=9, observed_seconds=8, events=7, bad_events=6
    )
    latency = pb.Objective(name="latency", objective=0.5, threshold_seconds=2, budget_remaining=-1)
    assert status(objectives=[availability, latency]).objectives == (
        Objective("availability", 0.5, None, 9, 8, 7, 6, 0),
        Objective("latency", 0.5, 2, 0, 0, 0, 0, -1),
    )
