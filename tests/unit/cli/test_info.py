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


async def test_status_shows_the_models_and_their_notes(fake, run):
    code, out, err = await run("status", "--server", fake.address)
    assert (code, err) == (0, "")
    lines = [line.rstrip() for line in out.splitlines()]
    assert lines[0] == "jarvis 9.9: draining, up 1:01:01, 0 active requests"
    assert lines[2].split() == ["PORT", "NAME", "ADAPTER", "STATE", "ACTIVE", "RESTARTS", "MESSAGE"]
    assert lines[3].split() == ["model", "echo", "echo", "ready", "0", "0"]
    assert lines[4].split() == ["store", "chroma", "chroma", "failed", "-", "0", "disk", "full"]
    assert lines[6] == "echo: max_num_seqs was lowered [64 to 32]"


async def test_status_as_json(fake, run):
    _, out, _ = await run("status", "--json", "--server", fake.address)
    status = json.loads(out)
    assert status["state"] == "draining"
    assert status["models"][0]["settings"] == {"delay": "0"}


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
    lines = [line.rstrip() for line in out.splitlines()]
    assert lines[3].split() == ["model", "small", "echo", "ready", "0", "0"]
    assert lines[4].endswith("  tried last: kept failing")
    assert lines[5].endswith("  no answer; tried last: kept failing")
    assert [line.split() for line in lines[6:]] == [
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


async def test_adapters_are_not_cut_where_there_is_no_terminal(fake, run):
    code, out, _ = await run("adapters", "--server", fake.address)
    assert code == 0
    header, row = out.splitlines()
    assert header.split() == ["PORT", "NAME", "STATE", "DISTRIBUTION", "VERSION", "MESSAGE"]
    assert row.startswith("-     broken  failed  jarvis-broken  0.1")
    assert row.rstrip().endswith("in a line that eighty columns do not hold")
    assert "\x1b" not in out


async def test_adapters_as_json(fake, run):
    _, out, _ = await run("adapters", "--json", "--server", fake.address)
    (adapter,) = json.loads(out)
    assert (adapter["name"], adapter["state"]) == ("broken", "failed")
