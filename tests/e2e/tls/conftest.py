"""Certificates, and the files that a server reads."""

import shutil
from pathlib import Path

import pytest

from tests.certificates import certificate


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    for name in ("server", "renewed", "caller", "stranger"):
        certificate(folder, name, days=30 if name == "renewed" else 2)
    return folder


@pytest.fixture
def files(made: Path, tmp_path: Path) -> Path:
    """A folder with the files that the server reads, which a test may change."""
    for kind in ("pem", "key"):
        shutil.copy(made / f"server.{kind}", tmp_path / f"server.{kind}")
    shutil.copy(made / "caller.pem", tmp_path / "callers.pem")
    return tmp_path
