import json
import sys
import tomllib
from types import SimpleNamespace

import pytest

from jarvis.app.config import Config
from jarvis_plugins.registry import UnknownAdapter


@pytest.fixture
def bootstrap(monkeypatch, tmp_path):
    """Stands in for what starts a server; the current folder is an empty one."""
    monkeypatch.chdir(tmp_path)
    stand_in = SimpleNamespace(checked=[], served=[], exit_code=0)

    async def serve(config):
        stand_in.served.append(config)
        return stand_in.exit_code

    stand_in.serve = serve
    stand_in.check = stand_in.checked.append
    monkeypatch.setitem(sys.modules, "jarvis.app.bootstrap", stand_in)
    return stand_in


async def test_check_names_the_source(run, bootstrap, tmp_path):
    assert await run("config", "check") == (0, "ok: defaults\n", "")
    (tmp_path / "jarvis.toml").write_text("[log]\nlevel = 'debug'\n")
    assert await run("config", "check") == (0, "ok: jarvis.toml\n", "")
    (tmp_path / "other.toml").write_text("")
    assert await run("config", "check", "--config", "other.toml") == (0, "ok: other.toml\n", "")
    assert [config.log.level for config in bootstrap.checked] == ["info", "debug", "info"]


async def test_check_names_every_error(run, bootstrap, tmp_path):
    (tmp_path / "jarvis.toml").write_text("prot = 1\n[log]\nlevel = 'loud'\n")
    code, out, err = await run("config", "check")
    assert (code, out) == (2, "")
    assert [line.split(":")[:3] for line in err.splitlines()] == [
        ["jarvis", " jarvis.toml", " log.level"],
        ["jarvis", " jarvis.toml", " prot"],
    ]


async def test_check_reports_an_adapter_that_is_not_installed(run, bootstrap):
    def refuse(config):
        msg = "no llm adapter 'x' is installed; installed: echo"
        raise UnknownAdapter(msg)

    bootstrap.check = refuse
    assert await run("config", "check") == (
        2,
        "",
        "jarvis: no llm adapter 'x' is installed; installed: echo\n",
    )


async def test_a_file_that_is_missing(run, bootstrap):
    code, _, err = await run("serve", "--config", "none.toml")
    assert (code, err) == (2, "jarvis: none.toml: cannot be read: No such file or directory\n")
    assert bootstrap.served == []


async def test_show_prints_toml_that_is_the_configuration(run, bootstrap):
    code, out, _ = await run("config", "show", "--set", "log.level=debug", "--set", "models.a.adapter=echo")
    assert code == 0
    shown = Config.model_validate(tomllib.loads(out))
    assert shown.log.level == "debug"
    assert shown.models["a"].adapter == "echo"


async def test_schema_prints_the_json_schema(run):
    code, out, _ = await run("config", "schema")
    assert code == 0
    assert json.loads(out) == Config.model_json_schema()


async def test_the_exit_code_of_serve_is_the_servers(run, bootstrap):
    assert await run("serve", "--set", "log.level=debug") == (0, "", "")
    bootstrap.exit_code = 1
    assert (await run("serve"))[0] == 1
    assert [config.log.level for config in bootstrap.served] == ["debug", "info"]
