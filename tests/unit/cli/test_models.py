"""The commands for the models of a running server."""

import json

import grpc


async def test_sleep_says_that_it_waits_and_how_many_requests_it_ended(fake, run):
    code, out, err = await run("models", "sleep", "demo", "--server", fake.address)
    assert (code, out) == (0, "demo sleeps; `jarvis models wake demo` wakes it\n")
    assert err.startswith("asking that demo be put to sleep; what runs is finished first\n")
    assert "2 requests took too long" in err
    assert fake.requests[-1].name == "demo"


async def test_wake_says_when_it_is_ready(fake, run):
    code, out, err = await run("models", "wake", "demo", "--server", fake.address)
    assert (code, out, err) == (
        0,
        "demo is ready\n",
        "asking that demo be woken; this ends when it is ready\n",
    )
    assert fake.requests[-1].name == "demo"


async def test_a_sleep_that_is_refused_says_why(fake, run):
    fake.fail(grpc.StatusCode.NOT_FOUND, "no model 'demmo'")
    code, out, err = await run("models", "sleep", "demmo", "--server", fake.address)
    assert (code, out) == (2, "")
    asked = "asking that demmo be put to sleep; what runs is finished first\n"
    assert err == f"{asked}jarvis: no model 'demmo'\n"


async def test_what_a_server_offers(fake, run):
    code, out, err = await run("models", "served", "--server", fake.address)
    assert (code, err) == (0, "")
    lines = [line.split() for line in out.splitlines()]
    assert lines == [
        ["MODEL", "STATE", "CONTEXT", "CAN"],
        ["echo", "ready", "64", "-"],
        ["slow", "loading", "-", "-"],
    ]


async def test_what_a_server_offers_in_json(fake, run):
    code, out, _ = await run("models", "served", "--json", "--server", fake.address)
    found = json.loads(out)
    assert code == 0
    assert found["models"][0]["supported_fields"] == ["messages"]
    assert found["routes"] == []
