"""The labelled queries of `bench/difficulty` are fit to judge an estimator."""

from itertools import product

import pytest

from bench.difficulty.labels import NAMES, load, tier
from jarvis_ports.difficulty import HARDEST

SETS = ("tuned", "everyday", "held_out")
LANGUAGES = ("en", "es")


def normalised(text: str) -> str:
    """Leave only letters and digits, in lower case."""
    return "".join(filter(str.isalnum, text.casefold()))


def test_there_are_at_least_120_queries_and_no_text_is_there_twice() -> None:
    texts = [normalised(query.text) for name in SETS for query in load(name)]
    assert len(texts) >= 120
    assert sorted(texts) == sorted(set(texts))


@pytest.mark.parametrize("name", SETS)
def test_each_query_has_a_text_a_language_and_a_difficulty_on_the_scale(name: str) -> None:
    for query in load(name):  # which fails where a line has other fields
        assert query.text.strip()
        assert query.language in LANGUAGES
        assert query.difficulty in range(HARDEST + 1)


@pytest.mark.parametrize("name", SETS)
def test_each_tier_has_queries_in_each_language(name: str) -> None:
    tiers = [(query.language, tier(query.difficulty)) for query in load(name)]
    for each in product(LANGUAGES, range(len(NAMES))):
        assert tiers.count(each) >= 10, f"too few of {each}"
