"""Plugins of somebody else's, made and shipped as `docs/adapters.md` says: wheels in a fresh environment."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from jarvis.client import BlockingClient
from jarvis_plugins.registry import PortName
from tests.installed import link_all, needed

pytestmark = pytest.mark.timeout(300)

ROOT = Path(__file__).parents[2]
DIFFICULTY = ROOT / "plugins/jarvis-difficulty"
CHAPTER = (
    (ROOT / "docs/adapters.md").read_text().partition("## A package that works")[2].partition("\n## ")[0]
)
MAKE, ASK, SHIP = re.findall(r"```sh\n(.*?)```", CHAPTER, re.DOTALL)
(CONFIGURATION,) = re.findall(r"```toml\n(.*?)```", CHAPTER, re.DOTALL)
LISTEN = """
server = {listen = ["127.0.0.1:0"], drain_delay_seconds = 0}
http.listen = ""
log.format = "console"
"""
OTHERS = [port for port in PortName if port is not PortName.LLM]


class Environment:
    """A virtual environment with the server's wheels, and with links to what they and a build need."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bin = folder / "venv" / "bin"
        # Without the variables that would lead out of the environment; its pip is that of the tests.
        self.environ = {
            **{key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "JARVIS"))},
            "PATH": os.pathsep.join([str(self.bin), str(Path(sys.executable).parent), os.environ["PATH"]]),
            "PIP_PYTHON": str(self.bin / "python"),
            "PIP_NO_INDEX": "1",
            "PIP_NO_BUILD_ISOLATION": "0",  # which pip reads as the option, not as its contrary
        }
        run(sys.executable, "-m", "venv", "--without-pip", folder / "venv")
        wheels = folder / "wheels"
        for source in (ROOT, DIFFICULTY):
            run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", wheels, source)
        difficulty, jarvis = sorted(wheels.glob("*.whl"))
        found = needed(map(Requirement, ("jarvis-server[testkit]", "editables", "hatchling")))
        others = [there for name, there in found.items() if not name.startswith("jarvis-")]
        link_all(others, Path(self.sh("python -c 'import site; print(*site.getsitepackages())'").strip()))
        (self.bin / "pytest").write_text(f"#!{self.bin}/python\nimport pytest\npytest.console_main()\n")
        (self.bin / "pytest").chmod(0o755)
        self.sh(f"pip install --quiet {jarvis} {difficulty} 'jarvis-server[testkit]' && pip check")

    def sh(self, script: str, **environ: str) -> str:
        command = ("bash", "-e", "-c", script)
        return run(*command, cwd=self.folder, env={**self.environ, **environ})

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self.bin / "jarvis", *arguments],
            cwd=self.folder,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @contextmanager
    def serving(self, configuration: str):
        """Serve, and give the address."""
        (self.folder / "jarvis.toml").write_text(LISTEN + configuration)
        with self.start("serve") as server:
            try:
                lines = iter(server.stderr.readline, "")
                found = (re.findall(r"listening on (\S+)", line) for line in lines)
                yield next(one for one in found if one)[0]
            finally:
                server.send_signal(signal.SIGTERM)
            server.communicate(timeout=30)
        assert server.returncode == 0


def run(*command: str | Path, **options) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    environment = Environment(tmp_path_factory.mktemp("plugin"))
    yield environment
    shutil.rmtree(environment.folder)


@pytest.fixture(scope="module")
def chat(environment):
    """The plugin of the guide, made and tested as it says."""
    return environment.sh(MAKE)


@pytest.fixture(scope="module")
def others(environment):
    """A plugin for each other port, as the guide makes the first, and ships it."""
    names = [f"acme-{port}" for port in OTHERS]
    environment.sh("\n".join(f"jarvis plugins new acme-{port} --port {port}" for port in OTHERS))
    build = "pip wheel --quiet --no-deps --wheel-dir others"
    environment.sh(f"{build} {' '.join(f'./{name}' for name in names)}", PIP_PYTHON=sys.executable)
    environment.sh("pip install --quiet --no-deps others/*.whl")
    return names


def test_a_new_plugin_passes_its_tests_and_loads(chat):
    assert re.search(r"\d+ passed, \d+ skipped", chat)
    assert re.search(r"llm +acme-chat +available +acme-chat +0\.1\.0", chat)


def test_its_wheel_answers_over_grpc(environment, chat):
    environment.sh("pip uninstall --yes --quiet acme-chat")  # the guide installs the wheel elsewhere
    assert re.search(r"acme-chat +0\.1\.0 +llm: acme-chat", environment.sh(SHIP))
    with environment.serving(CONFIGURATION) as address:
        assert environment.sh(ASK, JARVIS_SERVER=address) == "is anybody there\n"
        with BlockingClient(address) as client:
            adapters = {adapter.name: adapter.distribution for adapter in client.adapters()}
    assert adapters["acme-chat"] == "acme-chat"
    assert adapters["heuristic"] == "jarvis-difficulty"


@pytest.mark.parametrize("port", OTHERS)
def test_one_for_each_other_port_passes_its_tests(environment, others, port):
    assert re.search(r"\d+ passed", environment.sh(f"pytest -q acme-{port}"))


def test_a_server_of_new_plugins_alone_answers_from_sources(environment, chat, others):
    adapters = "\n".join(
        f'{port}.adapter = "acme-{port}"' for port in OTHERS if port not in {PortName.CACHE, PortName.STORE}
    )
    (environment.folder / "notes.md").write_text("# Backups\n\nBackups are kept for ninety days.\n")
    with environment.serving(
        f'models.default.adapter = "acme-chat"\n{adapters}\ncache = [{{ adapter = "acme-cache" }}]\n'
        'store.adapter = "acme-store"\nretrieval.text_index = ":memory:"\n'
    ) as address:
        ask = "jarvis ingest notes.md && jarvis ask --json 'How long are backups kept?'"
        _, _, answer = environment.sh(ask, JARVIS_SERVER=address).partition("{")
    answer = json.loads("{" + answer)
    assert answer["retrieved"]["reranked"]
    assert "ninety days" in answer["retrieved"]["citations"][0]["text"]
    assert "How long are backups kept?" in answer["text"]


def test_the_estimator_passes_its_own_tests_where_it_is_installed(environment):
    shutil.copytree(DIFFICULTY / "tests", environment.folder / "difficulty/tests")
    shutil.copy(DIFFICULTY / "pyproject.toml", environment.folder / "difficulty")
    assert re.search(r"\d+ passed", environment.sh("pytest -q difficulty"))


def test_without_it_the_server_says_what_is_missing_and_what_is_installed(environment, chat):
    environment.sh("pip uninstall --yes --quiet acme-chat")
    (environment.folder / "jarvis.toml").write_text(LISTEN + CONFIGURATION)
    server = environment.start("serve")
    _, error = server.communicate(timeout=30)
    assert server.returncode == 2
    assert error == (
        "jarvis: models.default.adapter: no llm adapter 'acme-chat' is installed; installed: echo, vllm\n"
    )


def test_without_the_default_estimator_the_server_says_what_to_do(environment):
    environment.sh("pip uninstall --yes --quiet jarvis-difficulty acme-estimator")
    (environment.folder / "echo.toml").write_text(
        '[models.echo]\nadapter = "echo"\n[embedder]\nadapter = "none"\n[store]\nadapter = "none"\n'
        '[telemetry]\nadapter = "none"\n'
    )
    server = environment.start("serve", "--config", "echo.toml")
    _, error = server.communicate(timeout=30)
    assert server.returncode == 2
    assert error == (
        "jarvis: estimator.adapter: no estimator adapter 'heuristic' is installed; installed: none\n"
        "jarvis: pip install ./plugins/jarvis-difficulty in a clone of the repository brings it\n"
        'jarvis: estimator.adapter = "none" turns it off\n'
    )
