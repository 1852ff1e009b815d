import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a distribution with one plugin, whose module has this source."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(tmp_path))

    def install(distribution, source, *, group="jarvis.v1", version="1.2"):
        module = distribution.replace("-", "_")
        (tmp_path / f"{module}.py").write_text(source)
        info = tmp_path / f"{module}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(f"[{group}]\n{distribution}-plugin = {module}\n")
        importlib.invalidate_caches()

    install.path = tmp_path
    yield install
    for module in set(sys.modules) - before:
        del sys.modules[module]


@pytest.fixture
def run_kit(install, tmp_path):
    """Install a plugin of faulty adapters, run an author's test of them, and give what pytest printed."""

    def run(distribution, plugin, authors_test):
        install(distribution, Path(__file__).with_name(plugin).read_text())
        (tmp_path / "test_faulty.py").write_text(authors_test)
        (tmp_path / "pytest.ini").touch()
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-rfE", "--tb=no"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        ).stdout

    return run
