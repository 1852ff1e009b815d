"""Words that most rows have are left out of a search, for as long as most rows have them."""

import asyncio
import gc

import pytest

from jarvis.textindex import SQLiteTextIndex, terms
from jarvis.textindex.common import CommonTerms
from jarvis_ports.store import Row


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(terms, "COMMON_ROWS", 8)
    monkeypatch.setattr(terms, "CANDIDATE_ROWS", 4)


@pytest.fixture
async def filled(index):
    """Every row has "usual"; one of them has "rare" too."""
    rows = [Row(str(i), f"usual{' rare' * (i == 0)} text{i}") for i in range(20)]
    await index.commit("c", rows, [])
    assert await ids(index) == {"0"}
    return index


async def ids(index):
    return {match.row.id for match in await index.search("c", "usual rare", 30)}


async def replaced(index):
    await index.commit("c", [Row(str(i), f"other{i}") for i in range(3, 20)], [])


async def deleted(index):
    await index.commit("c", [], [str(i) for i in range(3, 20)])


async def dropped(index):
    await index.drop("c")
    await index.commit("c", [Row(str(i), f"usual{' rare' * (i == 0)} again{i}") for i in range(3)], [])


async def joined_by_many(index):
    await index.commit("c", [Row(f"new{i}", f"other{i}") for i in range(100)], [])


@pytest.mark.parametrize("change", [replaced, deleted, dropped])
async def test_a_word_that_few_rows_have_now_is_searched_for_again(filled, change):
    await change(filled)
    assert await ids(filled) == {"0", "1", "2"}


async def test_a_word_is_searched_for_again_where_most_rows_are_without_it_now(filled):
    await joined_by_many(filled)
    assert await ids(filled) == {str(i) for i in range(20)}


async def test_words_known_to_be_common_are_not_counted_again(filled, monkeypatch):
    counted = []
    count = terms._counts

    def listening(connection, table, terms_, most):
        counted.extend(terms_)
        return count(connection, table, terms_, most)

    monkeypatch.setattr(terms, "_counts", listening)
    assert await ids(filled) == {"0"}
    assert set(counted) == {'"rare"'}


async def test_where_all_words_are_known_to_be_common_they_are_searched_for(filled):
    assert len(await filled.search("c", "usual", 30)) == 20
    assert len(await filled.search("c", "usual", 30)) == 20


async def test_a_search_that_sees_rows_whose_deletion_is_about_to_be_committed_does_not_hide_it(
    tmp_path, monkeypatch
):
    loop, delete = asyncio.get_running_loop(), CommonTerms.delete
    async with SQLiteTextIndex.open(tmp_path) as index:
        await index.commit("c", [Row(str(i), f"usual{' rare' * (i == 0)} text{i}") for i in range(20)], [])

        def then_search(self, rows):
            delete(self, rows)
            assert asyncio.run_coroutine_threadsafe(ids(index), loop).result(10) == {"0"}

        monkeypatch.setattr(CommonTerms, "delete", then_search)
        await deleted(index)
        assert await ids(index) == {"0", "1", "2"}


async def test_a_search_that_is_interrupted_logs_nothing(tmp_path, caplog):
    async with SQLiteTextIndex.open(tmp_path) as index:
        await index.commit("c", [Row(str(i), f"usual text{i}") for i in range(3000)], [])
        for _ in range(20):
            search = asyncio.create_task(index.search("c", "usual", 1000))
            await asyncio.sleep(0.005)
            search.cancel()
    gc.collect()
    assert caplog.messages == []
