import json

import grpc

from jarvis.v1 import server_pb2 as pb


async def test_health_of_a_server_that_serves(fake, run):
    assert await run("health", "--server", fake.address) == (0, "SERVING\n", "")


async def test_health_of_a_service_that_does_not(fake, run):
    assert await run("health", "some.Service", "--server", fake.address) == (1, "NOT_SERVING\n", "")


async def test_health_of_a_service_that_there_is_not(fake, run):
    fake.fail(grpc.StatusCode.NOT_FOUND, "")
    assert await run("health", "no.Service", "--server", fake.address) == (1, "SERVICE_UNKNOWN\n", "")


async def test_a_server_that_is_not_there(run):
    code, out, err = await run("health", "--server", "127.0.0.1:1")
    assert (code, out) == (1, "")
    assert err.startswith("jarvis: cannot connect to 127.0.0.1:1: ")
    assert err.count("\n") == 1


def from_table(out: str) -> list[str]:
    lines = [line.rstrip() for line in out.splitlines()]
    return lines[next(index for index, line in enumerate(lines) if line.startswith("PORT")) :]


async def test_status_shows_the_models_and_their_notes(fake, run):
    code, out, err = await run("status", "--server", fake.address)
    assert (code, err) == (0, "")
    assert out.startswith("jarvis 9.9: draining, up 1:01:01, 0 active requests\n")
    table = from_table(out)
    assert table[0].split() == ["PORT", "NAME", "ADAPTER", "STATE", "ACTIVE", "RESTARTS", "MESSAGE"]
    assert table[1].split() == ["llm", "echo", "echo", "ready", "0", "0"]
    assert table[2].split() == ["store", "chroma", "chroma", "failed", "-", "0", "disk", "full"]
    assert table[4] == "echo: max_num_seqs was lowered [64 to 32]"


FARES = pb.GetStatusResponse(
    version="9.9",
    state=pb.STATE_READY,
    uptime_seconds=90_000,
    active_requests=3,
    health=pb.HEALTH_DEGRADED,
    resident_memory_bytes=312 * 2**20,
    gpus=[pb.Gpu(id=1, name="H100", memory_total_bytes=80 * 2**30, memory_used_bytes=40 * 2**30)],
    recent=pb.Recent(
        window_seconds=60,
        calls=90,
        failed_calls=9,
        latency_p50_seconds=0.412,
        latency_p95_seconds=1.24,
        latency_p99_seconds=12.345,
        output_tokens=60_000,
        cache_hit_ratio=0.853,
    ),
    objectives=[
        pb.Objective(
            name="availability", objective=0.995, events=10_000, bad_events=12, budget_remaining=0.76
        ),
        pb.Objective(
            name="time_to_first_token",
            objective=0.95,
            threshold_seconds=1,
            events=30,
            bad_events=2,
            budget_remaining=-1 / 3,
        ),
    ],
)


async def test_status_shows_how_the_server_fares(answer, run):
    _, out, _ = await run("status", "--server", await answer(GetStatus=FARES))
    assert [line.rstrip() for line in out.splitlines()[:11]] == [
        "jarvis 9.9: ready, degraded, up 1 day, 1:00:00, 3 active requests",
        "",
        "calls        1.5/s, 10.0% failed",
        "latency      p50 412 ms, p95 1.24 s, p99 12.3 s",
        "first token  -",
        "output       1,000.0 tokens/s",
        "cache        85% of texts found",
        "memory       server 312 MiB",
        "GPU 1        40.0 GiB of 80.0 GiB, H100",
        "budget left  availability 76.0% (99.5% promised, 12 of 10,000 bad)",
        "             first token -33.3% (95% within 1 s promised, 2 of 30 bad)",
    ]


async def test_status_of_a_server_that_has_measured_nothing(fake, run):
    _, out, _ = await run("status", "--server", fake.address)
    assert [line.rstrip() for line in out.splitlines()[2:8]] == [
        "calls        -/s",
        "latency      -",
        "first token  -",
        "output       - tokens/s",
        "cache        -",
        "memory       server 0 MiB",
    ]


async def test_status_as_json(fake, run):
    _, out, _ = await run("status", "--json", "--server", fake.address)
    status = json.loads(out)
    assert status["state"] == "draining"
    assert status["models"][0]["settings"] == {"delay": "0"}
    assert (status["health"], status["recent"]["latency"]) == (None, None)


async def test_status_of_models_without_a_route_shows_none(answer, run):
    _, out, _ = await run("status", "--server", await answer(GetStatus=SEVERAL["GetStatus"]))
    assert "far" in out
    assert "ROUTE" not in out


async def test_status_as_json_has_how_the_server_fares(answer, run):
    _, out, _ = await run("status", "--json", "--server", await answer(GetStatus=FARES))
    status = json.loads(out)
    assert status["health"] == "degraded"
    assert status["gpus"][0]["memory_used_bytes"] == 40 * 2**30
    assert status["recent"]["latency"] == {"p50": 0.412, "p95": 1.24, "p99": 12.345}
    assert status["recent"]["time_to_first_token"] is None
    assert [objective["threshold_seconds"] for objective in status["objectives"]] == [None, 1.0]


SEVERAL = {
    "GetStatus": pb.GetStatusResponse(
        state=pb.STATE_READY,
        models=[
            pb.ModelStatus(name="small", adapter="echo", state=pb.STATE_READY),
            pb.ModelStatus(name="big", adapter="echo", state=pb.STATE_READY, circuit_open=True),
            pb.ModelStatus(
                name="far", adapter="echo", state=pb.STATE_FAILED, message="no answer", circuit_open=True
            ),
        ],
    ),
    "ListModels": pb.ListModelsResponse(
        routes=[
            pb.Route(name="hard", models=["big", "far"], fallback="small"),
            pb.Route(name="default", is_default=True, models=["small", "big"]),
        ]
    ),
}


async def test_status_shows_what_is_tried_last_and_the_routes(answer, run):
    code, out, err = await run("status", "--server", await answer(**SEVERAL))
    assert (code, err) == (0, "")
    lines = from_table(out)
    assert lines[1].split() == ["llm", "small", "echo", "ready", "0", "0"]
    assert lines[2].endswith("  tried last: kept failing")
    assert lines[3].endswith("  no answer; tried last: kept failing")
    assert [line.split() for line in lines[4:]] == [
        [],
        ["ROUTE", "MODELS", "FALLBACK", "DEFAULT"],
        ["hard", "big,", "far", "small"],
        ["default", "small,", "big", "-", "yes"],
    ]


async def test_status_of_one_model_shows_no_routes(fake, run):
    _, out, _ = await run("status", "--server", fake.address)
    assert "ROUTE" not in out


async def test_status_as_json_has_the_routes(answer, run):
    _, out, _ = await run("status", "--json", "--server", await answer(**SEVERAL))
    status = json.loads(out)
    assert [model["circuit_open"] for model in status["models"]] == [False, True, True]
    assert status["routes"][0] == {
        "name": "hard",
        "is_default": False,
        "models": ["big", "far"],
        "fallback": "small",
    }
