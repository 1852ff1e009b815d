"""Builds the manifests with kustomize, which kubectl has built in, and reads them."""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
KUBERNETES = ROOT / "deploy" / "kubernetes"


@pytest.fixture(scope="session")
def build(tmp_path_factory):
    """Build an overlay with components, and return its manifests by kind."""
    kustomize = shutil.which("kustomize")
    command = [kustomize, "build"] if kustomize else [shutil.which("kubectl"), "kustomize"]
    if command[0] is None:
        pytest.skip("neither kustomize nor kubectl is on the PATH")

    def built(overlay, *components):
        folder = tmp_path_factory.mktemp("overlay")

        def path(*parts):
            return os.path.relpath(KUBERNETES.joinpath(*parts), folder)

        whole = {
            "resources": [path("overlays", overlay)],
            "components": [path("components", name) for name in components],
        }
        (folder / "kustomization.yaml").write_text(yaml.safe_dump(whole))
        made = subprocess.run([*command, folder], check=False, capture_output=True, text=True)
        assert made.returncode == 0, made.stderr
        manifests = list(yaml.safe_load_all(made.stdout))
        found = {each["kind"]: each for each in manifests}
        assert len(found) == len(manifests)
        return found

    return built


@pytest.fixture
def unit():
    """The settings of the systemd unit, each with all its values."""
    found = {}
    for line in (ROOT / "deploy/systemd/jarvis.service").read_text().splitlines():
        if match := re.fullmatch(r"(\w+)=(.*)", line):
            found.setdefault(match[1], []).append(match[2])
    return found


@pytest.fixture
def unit_environment(unit):
    return dict(pair.split("=", 1) for line in unit["Environment"] for pair in shlex.split(line))


@pytest.fixture
def image_environment():
    """The variables of the last stages of the images."""
    text = (ROOT / "deploy/docker/Dockerfile").read_text().replace("\\\n", " ")
    (line,) = re.findall(r"^ENV (.*JARVIS.*)$", text, re.MULTILINE)
    return dict(pair.split("=", 1) for pair in shlex.split(line))
