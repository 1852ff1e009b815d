"""How much work a search is: what ends while other threads compute must not wait for them often."""

from collections import Counter

import pytest

from jarvis.textindex import terms
from jarvis_ports.filters import Equals, Not
from jarvis_ports.store import Row


@pytest.fixture
def statements(index):
    """The statements that SQLite is given, once for each time."""
    told = []
    connections = index._connections
    for connection in [*connections._readers, connections._writer]:
        connection.set_trace_callback(told.append)
    return told


async def test_many_words_and_many_hits_take_as_many_statements_as_few(index, statements):
    rows = [Row(str(i), f"common word{i} thing{i}", {"n": i, "s": "x"}) for i in range(100)]
    await index.commit("c", rows, [])

    async def taken(query, top_k):
        statements.clear()
        ids = [match.row.id for match in await index.search("c", query, top_k)]
        assert [row.id for row in await index.rows("c", ids)] == ids
        # FTS5 tells of its own as comments.
        return len(ids), len([one for one in statements if not one.startswith("--")])

    await taken("word0", 1)  # opens what FTS5 keeps
    one, few = await taken("word1", 1)
    many, more = await taken(" ".join(f"word{i} thing{i}" for i in range(60)), 30)
    assert (one, many) == (1, 30)
    assert more == few


async def test_the_best_rows_are_those_of_a_search_that_scores_all(index, monkeypatch):
    texts = [f"common and usual{' rare' * (i % 10 == 0)}{' odd' * (i == 7)}" for i in range(100)]
    await index.commit("c", [Row(str(i), f"{text} {i}") for i, text in enumerate(texts)], [])
    query = "common rare odd usual"
    everything = await index.search("c", query, 100)
    monkeypatch.setattr(terms, "CANDIDATE_ROWS", 11)
    candidates = await index.search("c", query, 10)
    assert len(everything) == 100
    assert [match.row.id for match in candidates] == [match.row.id for match in everything[:10]]
    assert [match.score for match in candidates] == pytest.approx([match.score for match in everything[:10]])
    assert len(await index.search("c", query, 50)) == 50, "as many as are asked for come all the same"
    assert len(await index.search("c", query, 50, Not(Equals("n", 1)))) == 50


async def test_where_all_words_are_common_rows_with_the_rarest_come_first(index, monkeypatch):
    monkeypatch.setattr(terms, "CANDIDATE_ROWS", 5)
    rows = [Row(str(i), f"common{' half' * (i % 2)} {i}") for i in range(20)]
    await index.commit("c", rows, [])
    assert {match.row.id for match in await index.search("c", "common half", 5)} <= {
        str(i) for i in range(1, 20, 2)
    }


async def test_words_of_few_rows_do_not_hide_the_rows_of_others(index):
    rare = [Row(str(i), f"word{i}", {"from": "elsewhere"}) for i in range(20)]
    usual = [Row(f"h{i}", f"manual {i}", {"from": "handbook"}) for i in range(40)]
    await index.commit("c", [*rare, *usual], [])
    query = " ".join(["manual", *(f"word{i}" for i in range(20))])

    assert len(await index.search("c", query, 30)) == 30
    found = await index.search("c", query, 5, Equals("from", "handbook"))
    assert len(found) == 5
    assert {match.row.id[0] for match in found} == {"h"}


async def test_copies_of_a_text_do_not_hide_other_texts(index, monkeypatch):
    monkeypatch.setattr(terms, "CANDIDATE_ROWS", 5)
    copies = [Row(str(i), "an odd thing") for i in range(20)]
    others = [Row(f"o{i}", f"the thing number {i}") for i in range(10)]
    await index.commit("c", [*copies, *others], [])

    found = [match.row for match in await index.search("c", "odd thing", 3)]
    assert {row.id for row in found[:20]} == {row.id for row in copies}
    assert len({row.text for row in found}) == 3


async def test_texts_of_one_score_come_with_all_their_copies(index):
    rows = [Row(f"{copy}{i}", f"house n{i:02}") for copy in "ab" for i in range(50)]
    await index.commit("c", rows, [])

    found = [match.row for match in await index.search("c", "house", 10)]
    assert len(found) == 20
    assert Counter(Counter(row.text for row in found).values()) == {2: 10}
