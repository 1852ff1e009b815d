import asyncio
import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from jarvis_plugins.registry import PortName

HOOK = """
from jarvis_plugins import AdapterSettings, hookimpl

@hookimpl
def jarvis_register_adapters(registry):
    registry.llm("%s", settings=AdapterSettings, factory=None)
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install distributions whose plugins have these sources, by name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)

    def install(group="jarvis.v1", **sources):
        for name, source in sources.items():
            (tmp_path / f"{name}.py").write_text(source)
            info = tmp_path / f"{name}-1.0.dist-info"
            info.mkdir()
            (info / "METADATA").write_text(f"Name: {name}\nVersion: 1.0\n")
            (info / "entry_points.txt").write_text(f"[{group}]\n{name} = {name}\n")

    yield install
    for module in [name for name in sys.modules if name.startswith("acme_")]:
        del sys.modules[module]


@pytest.mark.parametrize("port", PortName)
async def test_a_new_plugin_is_whole_and_tidy(run, tmp_path, port):
    code, out, err = await run("plugins", "new", "acme-mine", "--port", port, "--directory", str(tmp_path))
    folder = tmp_path / "acme-mine"
    assert code == 0, err
    assert f"pip install -e '{folder}[test]'" in err
    files = {path for path in folder.rglob("*") if path.is_file()}
    assert {Path(line) for line in out.splitlines()} == files
    assert not [path for path in files if "$" in path.read_text().replace("${{ vars", "")]
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["jarvis.v1"] == {"acme-mine": "acme_mine"}
    steps = yaml.safe_load((folder / ".github/workflows/test.yml").read_text())["jobs"]["test"]["steps"]
    assert [step["run"] for step in steps if "run" in step] == [
        "pip install '.[test]'",
        "jarvis plugins check acme-mine",
        "pytest",
    ]
    for command in (("check", "--select", "E,F,UP"), ("format", "--check")):
        tidy = ["ruff", *command, "--isolated", "--no-cache", "--line-length", "110", folder]
        await asyncio.to_thread(subprocess.run, tidy, check=True)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (
            ("Acme_Mine", "--port", "llm"),
            "'Acme_Mine' has to be lower-case letters and digits",
        ),
        (
            ("json", "--port", "llm"),
            "json is no name for a new module, or there is one already; take another name",
        ),
        (("echo", "--port", "llm"), "brings the llm adapter echo already; take another name"),
        (("mine", "--port", "llm", "-d", "acme"), "acme/mine exists, and is left as it is"),
        (("mine", "--port", "gpu"), "'gpu' is none of llm, embedder, reranker, store, cache, estimator"),
        (("mine", "--port", "llm", "-d", "file"), "file/mine cannot be written: "),
    ],
)
async def test_what_cannot_be_written_is_refused_with_what_to_do(
    run, tmp_path, monkeypatch, arguments, complaint
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "acme/mine").mkdir(parents=True)
    (tmp_path / "file").touch()
    code, out, err = await run("plugins", "new", *arguments)
    assert (code, out) == (2, "")
    assert complaint in err
    assert {path.name for path in tmp_path.rglob("*")} == {"acme", "mine", "file"}


async def test_the_help_names_every_port_and_has_examples(run):
    _, out, _ = await run("plugins", "new", "--help")
    assert all(port in out for port in PortName)
    assert "jarvis plugins new acme-chat --port llm" in out


async def test_distributions_are_listed_with_their_adapters(run, install):
    install(acme_good=HOOK % "good", acme_bad="import no_such_module")
    code, out, _ = await run("plugins", "list")
    assert code == 0
    lines = [line.split(maxsplit=2) for line in out.splitlines()]
    assert ["acme_good", "1.0", "llm: good"] in [[*line[:2], line[2].rstrip()] for line in lines]
    _, out, _ = await run("plugins", "list", "--json")
    found = {one["distribution"]: one["adapters"] for one in json.loads(out)}
    assert found["acme_bad"] == {"not loaded": ["acme_bad"]}
    assert "echo" in found["jarvis-server"]["llm"]


@pytest.mark.parametrize(
    ("group", "source", "why"),
    [
        ("jarvis.v1", "import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("jarvis.v2", "", "it is for jarvis.v2, and this host speaks jarvis.v1"),
        ("jarvis.v1", "", "it registers no adapter"),
    ],
)
async def test_a_plugin_that_does_not_load_is_found_with_the_reason(run, install, group, source, why):
    install(acme_good=HOOK % "good")
    install(group, acme_bad=source)
    code, out, _ = await run("plugins", "check")
    assert code == 1
    (line,) = [line for line in out.splitlines() if "acme_bad" in line]
    assert why in line
    assert "jarvis-server" not in out
    assert (await run("plugins", "check", "acme_good"))[0] == 0


async def test_a_missing_extra_is_found(run, install, monkeypatch):
    install()
    monkeypatch.setitem(sys.modules, "diskcache", None)
    code, out, _ = await run("plugins", "check", "jarvis-server", "--json")
    assert code == 1
    (message,) = [one["message"] for one in json.loads(out) if one["name"] == "diskcache"]
    assert "pip install " in message


async def test_a_name_that_is_taken_twice_is_found(run, install):
    install(acme_one=HOOK % "same", acme_two=HOOK % "same")
    code, out, err = await run("plugins", "check", "acme_one")
    assert (code, out) == (2, "")
    assert "llm 'same' is brought by plugin 'acme_one' of acme_one 1.0 and by plugin 'acme_two'" in err


async def test_a_plugin_that_is_not_installed_cannot_be_checked(run, install):
    install(acme_good=HOOK % "good")
    code, _, err = await run("plugins", "check", "acme_gone")
    assert code == 2
    assert "no plugin of 'acme_gone' is installed; installed: acme_good, " in err
