import pytest

from jarvis_pgvector import search
from jarvis_plugins.testkit import StoreConformance


class TestPgvector(StoreConformance):
    adapter = "pgvector"

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def _server(cls, postgres):
        cls.settings = {"url": postgres.url()}


class TestIndex(TestPgvector):
    """The index answers, however few rows there are."""

    @pytest.fixture(autouse=True)
    @staticmethod
    def _few_are_many(monkeypatch):
        monkeypatch.setattr(search, "EXACT_BELOW", -1)
