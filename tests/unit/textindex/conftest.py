import pytest

from jarvis.textindex import SQLiteTextIndex
from jarvis_ports.store import Row


@pytest.fixture(params=["memory", "file"])
async def index(request, tmp_path):
    """An empty index, in memory and in a file."""
    async with SQLiteTextIndex.open(None if request.param == "memory" else tmp_path / "index") as index:
        yield index


@pytest.fixture(scope="session")
def chunk():
    """Make the row of a chunk of a document."""

    def make(document, ordinal, *, chunks=2, hash_="h1", text="text"):
        reserved = {"_document": document, "_source": f"/{document}.md", "_hash": hash_, "_chunks": chunks}
        return Row(f"{document}-{ordinal}", text, {**reserved, "_ordinal": ordinal, "_start": 0, "_end": 4})

    return make


@pytest.fixture(scope="session")
async def any_index():
    """An index with one row that any query may be put to."""
    async with SQLiteTextIndex.open(None) as index:
        await index.commit("c", [Row("1", "a b c 1 2 3 é ñ 漢字")], [])
        yield index
