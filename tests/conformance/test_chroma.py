from pathlib import Path
from typing import Any

import pytest

from jarvis_plugins.testkit.store import StoreConformance


class TestEmbedded(StoreConformance):
    adapter = "chroma"

    @pytest.fixture
    def own_settings(self, tmp_path: Path) -> dict[str, Any]:
        return {**self.settings, "path": str(tmp_path / "chroma")}

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def _folder(cls, tmp_path_factory: pytest.TempPathFactory) -> None:
        cls.settings = {"path": str(tmp_path_factory.mktemp("chroma"))}


class TestEmbeddedIndex(TestEmbedded):
    """Chroma's HNSW index answers, and its filters choose."""

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def _folder(cls, tmp_path_factory: pytest.TempPathFactory) -> None:
        cls.settings = {"path": str(tmp_path_factory.mktemp("chroma")), "in_memory_below": 0}


class TestServer(StoreConformance):
    adapter = "chroma"

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def _server(cls, chroma_server) -> None:
        cls.settings = {"host": "127.0.0.1", "port": chroma_server.port}
