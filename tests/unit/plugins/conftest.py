import importlib
import os
import re
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
    """Run a conformance kit on a plugin of faulty adapters, as the plugin's author would.

    Of most adapters only that test is run which is to find the fault, of `whole` the whole kit. Gives the
    faults that were not found, and the tests of `whole` that failed. Those that hang are ended.
    """

    def run(plugin, kit, found_by, whole, hangs=(), **attributes):
        install(plugin.replace("_", "-"), Path(__file__).with_name(f"{plugin}.py").read_text())
        (tmp_path / "pytest.ini").touch()
        lines = ["import pytest", f"from jarvis_plugins.testkit import {kit}"]
        for adapter in {**found_by, whole: None}:
            lines += ["@pytest.mark.timeout(3)"] * (adapter in hangs)
            lines.append(f"class Test{adapter}({kit}):")
            given = {"adapter": adapter, "to_settle": 0.5, **attributes}
            lines += (f"    {name} = {value!r}" for name, value in given.items())
        (tmp_path / "test_faulty.py").write_text("\n".join(lines))
        tests = [f"test_faulty.py::Test{one}::{test}" for one, test in found_by.items() if one != whole]
        output = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-rfE", "--tb=no", f"test_faulty.py::Test{whole}", *tests],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"},
            capture_output=True,
            text=True,
            check=False,
        ).stdout
        pattern = r"^(?:FAILED|ERROR) test_faulty.py::Test(\w+)::((test_\w+)(?:\[.*?\])?)"
        failed = re.findall(pattern, output, re.MULTILINE)
        found = {(adapter, test) for adapter, *names in failed for test in names}
        missed = found_by.items() - found
        return missed, {test for adapter, test, _ in failed if adapter == whole}

    return run
