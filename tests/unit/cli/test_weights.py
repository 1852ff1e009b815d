import json

import grpc

LOAD = ("weights", "load", "own", "/w/own", "--base", "echo")


async def test_what_is_loaded_is_named_by_its_base_and_its_folder(fake, run):
    assert await run(*LOAD, "--server", fake.address) == (0, "own was loaded for echo\n", "")
    (request,) = fake.requests
    assert (request.base, request.name, request.path) == ("echo", "own", "/w/own")


async def test_weights_that_are_refused_are_told_with_the_reason(fake, run):
    fake.fail(grpc.StatusCode.ALREADY_EXISTS, "the name 'own' is taken")
    code, out, err = await run(*LOAD, "--server", fake.address)
    assert (code, out) == (2, "")
    assert err.endswith("the name 'own' is taken\n")


async def test_unload_says_how_many_requests_it_ended(fake, run):
    code, out, err = await run("weights", "unload", "own", "--server", fake.address)
    assert (code, out) == (0, "own was unloaded\n")
    assert "2 requests took too long" in err


async def test_weights_are_listed(fake, run):
    _, out, _ = await run("weights", "list", "--server", fake.address)
    header, row = (line.split() for line in out.splitlines())
    assert header == ["NAME", "BASE", "STATE", "CONFIGURED", "PATH"]
    assert row == ["own", "echo", "ready", "yes", "/w/own"]
    _, out, _ = await run("weights", "list", "--json", "--server", fake.address)
    (one,) = json.loads(out)
    assert one == {"name": "own", "base": "echo", "path": "/w/own", "state": "ready", "configured": True}
