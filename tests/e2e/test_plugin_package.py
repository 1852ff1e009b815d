"""A plugin of somebody else's, as they would ship it: wheels in a fresh environment."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from jarvis.client import BlockingClient

pytestmark = pytest.mark.timeout(300)

ROOT = Path(__file__).parents[2]
PACKAGE = Path(__file__).with_name("plugin_package")
DIFFICULTY = ROOT / "plugins/jarvis-difficulty"


class Environment:
    """A virtual environment with the wheels, and what they need, in the versions of the lock."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bin = folder / "venv" / "bin"
        run(sys.executable, "-m", "venv", "--without-pip", folder / "venv")
        for source in (ROOT, DIFFICULTY, PACKAGE):
            run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, source)
        shout, difficulty, jarvis = sorted(folder.glob("*.whl"))
        locked = ("--no-compile", "-c", ROOT / "requirements/cpu.txt")  # most of it is never imported
        self.pip("install", "--quiet", *locked, jarvis, difficulty, f"{shout}[test]")

    def pip(self, *arguments: str | Path) -> None:
        run(sys.executable, "-m", "pip", "--python", self.bin / "python", *arguments)

    def jarvis(self, *arguments: str) -> subprocess.Popen[str]:
        # Without the variables that would lead it out of the environment.
        environ = {
            name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "JARVIS"))
        }
        command = [self.bin / "jarvis", *arguments]
        return subprocess.Popen(
            command, cwd=self.folder, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )


def run(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    environment = Environment(tmp_path_factory.mktemp("plugin"))
    (environment.folder / "jarvis.toml").write_text(
        'server = {listen = ["127.0.0.1:0"], drain_delay_seconds = 0}\n'
        'embedder.adapter = "none"\nstore.adapter = "none"\ntelemetry.adapter = "none"\n'
        'http.listen = ""\nlog.format = "console"\n'
        '[models.loud]\nadapter = "shout"\nsettings = {ending = "?!"}\n'
    )
    yield environment
    shutil.rmtree(environment.folder)


def test_it_passes_the_kit_where_it_is_installed(environment):
    shutil.copytree(PACKAGE / "tests", environment.folder / "tests")
    report = run(environment.bin / "python", "-m", "pytest", "-q", environment.folder / "tests")
    assert re.search(r"\d+ passed, \d+ skipped", report)


def test_the_estimator_passes_its_own_tests_where_it_is_installed(environment):
    shutil.copytree(DIFFICULTY / "tests", environment.folder / "difficulty/tests")
    shutil.copy(DIFFICULTY / "pyproject.toml", environment.folder / "difficulty")
    report = run(environment.bin / "python", "-m", "pytest", "-q", environment.folder / "difficulty")
    assert re.search(r"\d+ passed", report)


def test_it_answers_over_grpc(environment):
    with environment.jarvis("serve") as server:
        try:
            lines = iter(server.stderr.readline, "")
            [address] = next(found for line in lines if (found := re.findall(r"listening on (\S+)", line)))
            with BlockingClient(address) as client:
                assert client.generate("is anybody there").text == "IS ANYBODY THERE?!"
                adapters = {adapter.name: adapter.distribution for adapter in client.adapters()}
            assert adapters["shout"] == "acme-shout"
            assert adapters["heuristic"] == "jarvis-difficulty"
        finally:
            server.send_signal(signal.SIGTERM)
        server.communicate(timeout=30)
    assert server.returncode == 0


def test_without_it_the_server_says_what_is_missing_and_what_is_installed(environment):
    environment.pip("uninstall", "--yes", "--quiet", "acme-shout")
    server = environment.jarvis("serve")
    _, error = server.communicate(timeout=30)
    assert server.returncode == 2
    assert (
        error == "jarvis: models.loud.adapter: no llm adapter 'shout' is installed; installed: echo, vllm\n"
    )


def test_without_the_default_estimator_the_server_says_what_to_do(environment):
    environment.pip("uninstall", "--yes", "--quiet", "jarvis-difficulty")
    (environment.folder / "echo.toml").write_text(
        '[models.echo]\nadapter = "echo"\n[embedder]\nadapter = "none"\n[store]\nadapter = "none"\n'
        '[telemetry]\nadapter = "none"\n'
    )
    server = environment.jarvis("serve", "--config", "echo.toml")
    _, error = server.communicate(timeout=30)
    assert server.returncode == 2
    assert error == (
        "jarvis: estimator.adapter: no estimator adapter 'heuristic' is installed; installed: none\n"
        "jarvis: pip install ./plugins/jarvis-difficulty in a clone of the repository brings it\n"
        'jarvis: estimator.adapter = "none" turns it off\n'
    )
