"""What `pip install jarvis-server` alone installs: the client, and the commands that only call a server."""

import os
import re
import subprocess
import sys
import zipfile
from importlib.metadata import PathDistribution
from pathlib import Path

import pytest

from tests.installed import link, link_all, needed, wanted

ROOT = Path(__file__).parents[2]
MOST_DIRECT = 10
MOST_MEGABYTES = 60
SERVERS_OWN = {
    "aiohttp",
    "beautifulsoup4",
    "jinja2",
    "numpy",
    "nvidia-ml-py",
    "pluggy",
    "pypdfium2",
    "semantic-text-splitter",
    "uvloop",
}
CALLING = [
    "adapters",
    "ask",
    "chat",
    "collections",
    "documents",
    "embed",
    "generate",
    "health",
    "ingest",
    "prompt",
    "search",
    "status",
]
NEEDING_THE_SERVER = (
    ["serve"],
    ["config", "check"],
    ["slo", "rules"],
    ["adapters", "--offline"],
    ["plugins", "new", "acme-chat", "--port", "llm"],
    ["models", "list"],
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built without the network, and unpacked."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT]
    built = subprocess.run(build, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    (file,) = folder.glob("*.whl")
    zipfile.ZipFile(file).extractall(folder / "unpacked")
    return folder / "unpacked"


@pytest.fixture(scope="module")
def metadata(wheel):
    (folder,) = wheel.glob("*.dist-info")
    return PathDistribution(folder)


@pytest.fixture(scope="module")
def distributions(metadata):
    return needed(wanted(metadata.requires))


@pytest.fixture(scope="module")
def environment(wheel, distributions, tmp_path_factory):
    """A folder of links to what a plain install has, and nothing else."""
    folder = tmp_path_factory.mktemp("environment")
    link_all(distributions.values(), folder)
    for file in wheel.rglob("*"):
        if file.is_file():
            link(file, folder / file.relative_to(wheel))
    return folder


def run(environment, program):
    """Run a program where nothing but the standard library and the environment can be imported."""
    code = f"import sys; sys.path.insert(0, {str(environment)!r}); {program}"
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    command = [sys.executable, "-I", "-S", "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=variables)


def cli(environment, *arguments):
    return run(environment, f"from jarvis.cli.main import main; sys.exit(main({list(arguments)!r}))")


def test_few_packages_are_needed_directly(metadata, distributions):
    direct = list(wanted(metadata.requires))
    assert len(direct) <= MOST_DIRECT
    assert not SERVERS_OWN & distributions.keys()
    assert not [name for name in distributions if name.startswith("tree-sitter")]


def test_they_are_small_together(wheel, distributions):
    size = sum(
        Path(there.locate_file(file)).stat().st_size
        for there in distributions.values()
        for file in there.files or ()
        if Path(there.locate_file(file)).is_file()
    )
    size += sum(file.stat().st_size for file in wheel.rglob("*") if file.is_file())
    assert size <= MOST_MEGABYTES * 1e6


def test_the_client_is_imported(environment):
    names = "*(name for name in sys.modules if '.' not in name)"
    ran = run(environment, f"import jarvis.client; print({names})")
    assert ran.returncode == 0, ran.stderr
    assert not {"numpy", "pydantic", "aiohttp", "jarvis_plugins", "jarvis_adapters"} & set(ran.stdout.split())


@pytest.mark.parametrize("command", CALLING)
def test_commands_that_call_a_server_are_there(environment, command):
    ran = cli(environment, command, "--help")
    assert ran.returncode == 0, ran.stderr
    assert "Usage" in ran.stdout


def test_a_command_calls(environment):
    ran = cli(environment, "health", "--server", "unix:/nowhere")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert re.match("jarvis: cannot connect to unix:/nowhere: ", ran.stderr)


def test_a_folder_is_looked_through(environment, tmp_path):
    (tmp_path / "notes.md").write_text("# Notes")
    ran = cli(environment, "ingest", str(tmp_path), "--server", "unix:/nowhere")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "cannot connect to unix:/nowhere: " in ran.stderr


@pytest.mark.parametrize("command", NEEDING_THE_SERVER, ids=" ".join)
def test_the_others_name_the_extra(environment, command):
    ran = cli(environment, *command)
    assert ran.returncode == 2, ran.stderr
    assert ran.stderr == (
        "jarvis: this command needs the server, which is not installed: "
        "pip install '.[server]' ./plugins/jarvis-difficulty in a clone of the repository\n"
    )


def test_vectors_need_no_numpy(environment):
    program = (
        "from jarvis.client import Embeddings; "
        "print(Embeddings('m', 2, bytes(8) + b'\\0\\0\\x80\\x3f' * 2, (1, 1), (), ()).lists())"
    )
    ran = run(environment, program)
    assert ran.stdout == "[[0.0, 0.0], [1.0, 1.0]]\n", ran.stderr


def test_without_numpy_a_matrix_is_refused_with_what_does_without(environment):
    program = "from jarvis.client import Embeddings; Embeddings('m', 2, bytes(8), (1,), (), ()).vectors"
    ran = run(environment, program)
    assert ran.stderr.endswith("ImportError: vectors need NumPy: pip install numpy; lists() does without\n")


def test_the_plugin_of_vllm_does_nothing(environment, metadata):
    (plugin,) = metadata.entry_points.select(group="vllm.general_plugins")
    ran = run(environment, f"from {plugin.module} import {plugin.attr}; {plugin.attr}()")
    assert (ran.returncode, ran.stderr) == (0, "")
