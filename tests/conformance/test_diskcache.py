from pathlib import Path

import pytest

from jarvis_plugins.testkit.cache import CacheConformance


class TestDiskCache(CacheConformance):
    adapter, durable = "diskcache", True

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def _folders(cls, tmp_path_factory: pytest.TempPathFactory) -> None:
        folder: Path = tmp_path_factory.mktemp("caches")
        cls.settings = {"path": str(folder / "roomy")}
        cls.tight = {"path": str(folder / "tight"), "max_bytes": 2**20}
