import pytest

from jarvis_pgvector import schema, store
from jarvis_plugins.testkit import StoreConformance


class TestPgvector(StoreConformance):
    adapter = "pgvector"

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def _server(cls, postgres):
        cls.settings = {"url": postgres.url()}


class TestIndex(TestPgvector):
    """There is an index, which answers, however few rows there are."""

    @pytest.fixture(autouse=True)
    @staticmethod
    def _few_are_many(monkeypatch):
        async def make(connection, collection):
            await schema.make(connection, collection)
            await schema.make_index(connection, collection)

        monkeypatch.setattr(store, "make", make)
        monkeypatch.setattr(schema, "EXACT_BELOW", -1)
