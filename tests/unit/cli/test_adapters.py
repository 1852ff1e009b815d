import json
import sys

import grpc

ASKED = "asking for a new instance of llm demo; this ends when it has taken over\n"


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


async def test_adapters_that_are_installed_need_no_server(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = await run("adapters", "--offline", "--json")
    assert (code, err) == (0, "")
    found = {(one["port"], one["name"]): one for one in json.loads(out)}
    assert found["llm", "vllm"]["state"] == "available"
    assert found["store", "chroma"]["distribution"] == "jarvis-server"


async def test_adapters_offline_tell_which_packages_are_missing(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("diskcache", "opentelemetry", "sentence_transformers", "vllm"):
        monkeypatch.setitem(sys.modules, name, None)
    code, out, _ = await run("adapters", "--offline", "--json")
    assert code == 0
    failed = {one["name"]: one["message"] for one in json.loads(out) if one["state"] == "failed"}
    assert set(failed) == {"cross-encoder", "diskcache", "opentelemetry", "sentence-transformers", "vllm"}
    assert all(" is not installed: " in message and "pip install " in message for message in failed.values())


async def test_adapters_offline_tell_what_did_not_load_and_why(run, tmp_path, monkeypatch):
    config = tmp_path / "jarvis.toml"
    config.write_text('plugins.block = ["chroma"]')
    package = tmp_path / "broken-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Name: broken\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text("[jarvis.v1]\nbroken = no_such_module_of_broken\n")
    monkeypatch.syspath_prepend(tmp_path)
    code, out, _ = await run("adapters", "--offline", "--config", str(config))
    assert code == 0
    assert any(line.split()[:3] == ["-", "chroma", "blocked"] for line in out.splitlines())
    (line,) = [line for line in out.splitlines() if " broken " in line]
    assert line.split()[:3] == ["-", "broken", "failed"]
    assert "No module named 'no_such_module_of_broken'" in line


async def test_reload_says_that_it_waits_and_how_many_requests_it_ended(fake, run):
    code, out, err = await run("adapters", "reload", "llm", "demo", "--server", fake.address)
    assert (code, out) == (0, "llm demo was reloaded\n")
    assert err.startswith(ASKED)
    assert "2 requests took too long" in err
    (request,) = fake.requests
    assert (request.port, request.name) == ("llm", "demo")


async def test_a_reload_that_is_refused_says_why(fake, run):
    fake.fail(grpc.StatusCode.FAILED_PRECONDITION, "no memory")
    code, out, err = await run("adapters", "reload", "llm", "demo", "--server", fake.address)
    assert (code, out) == (2, "")
    assert err == f"{ASKED}jarvis: no memory\n"
