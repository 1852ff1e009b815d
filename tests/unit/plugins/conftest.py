import importlib
import sys

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
