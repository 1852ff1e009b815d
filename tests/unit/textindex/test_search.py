import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jarvis.textindex import terms
from jarvis_ports.filters import Equals, Not
from jarvis_ports.store import Row

TEXTS = {
    "cache": "The cache keeps what was computed, and evicts the oldest entry.",
    "parse": "parse_args reads the command line and returns a namespace of arguments.",
    "args": "args are what a function takes; to parse them is another matter.",
    "canción": "Una canción sobre los corazones rotos de la ciudad.",
    "price": "It costs 12.50 euros; C++ and C# are languages.",
}


async def filled(index):
    await index.commit("c", [Row(id_, text, {"n": len(id_)}) for id_, text in TEXTS.items()], [])
    return index


async def found(index, text, top_k=10, filter_=None):
    return [match.row.id for match in await index.search("c", text, top_k, filter_)]


async def test_rows_with_the_words_come_best_first(index):
    matches = await (await filled(index)).search("c", "which entry does the cache evict?", 10)
    assert matches[0].row.id == "cache"
    scores = [match.score for match in matches]
    assert scores == sorted(scores, reverse=True)
    assert scores[-1] > 0


async def test_a_word_is_found_in_another_form(index):
    await filled(index)
    assert await found(index, "caching entries") == ["cache"]


async def test_accents_and_case_make_no_difference(index):
    await filled(index)
    assert await found(index, "CANCION") == ["canción"]
    assert await found(index, "cancio\u0301n") == ["canción"]


async def test_an_identifier_is_found_whole_before_its_parts(index):
    await filled(index)
    assert await found(index, "parse_args") == ["parse", "args"]
    assert await found(index, "where is parse_args() called?") == ["parse", "args"]


async def test_no_more_than_top_k_come(index):
    await filled(index)
    assert len(await found(index, "the of a is and what are", 2)) == 2


async def test_rows_that_do_not_pass_the_filter_take_no_place(index):
    await filled(index)
    assert await found(index, "parse_args", 1, Not(Equals("n", 5))) == ["args"]
    assert await found(index, "parse_args", 1, Equals("m", 5)) == []


async def test_syntax_of_fts5_means_nothing(index):
    await filled(index)
    for query in (
        'cache" OR "price',
        "cache NOT entry",
        "cache NEAR(entry)",
        "text:cache",
        "^cache*",
        "(cache",
    ):
        assert "cache" in await found(index, query)
    for query in ('"', "*", "AND", "rowid:1", "-", "", " ", "\0", "C++", "🙂"):
        await found(index, query)


@given(text=st.text(max_size=60))
@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_text_is_a_query(any_index, text):
    for match in await any_index.search("c", text, 10):
        assert match.score > 0


@pytest.mark.timeout(20)
async def test_a_very_long_word_keeps_nobody_waiting(index):
    await filled(index)
    for letter in ("x", "x_", "_", "e\u0301"):
        assert await found(index, letter * 40_000) == []


async def test_words_in_most_rows_are_searched_for_where_there_are_no_others(index, monkeypatch):
    monkeypatch.setattr(terms, "COMMON_ROWS", 1)
    rows = [Row(str(i), f"all have this, and only one has number{i}") for i in range(12)]
    await index.commit("c", rows, [])
    assert len(await found(index, "all of this", 20)) == 12
    assert await found(index, "all of this number7", 20) == ["7"]


async def test_of_a_long_query_the_repeated_words_count(index):
    await filled(index)
    query = " ".join(f"filler{i}" for i in range(20_000)) + " evicts evicts"
    assert await found(index, query) == ["cache"]


async def test_collections_do_not_see_one_another(index):
    await filled(index)
    await index.commit("d", [Row("other", "another cache")], [])
    assert await found(index, "cache") == ["cache"]
    assert [match.row.id for match in await index.search("d", "cache", 10)] == ["other"]
    assert await index.search("unknown", "cache", 10) == []
