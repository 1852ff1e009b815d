"""The labelled queries of `bench/difficulty` are fit to judge an estimator."""

import json
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from jarvis.config import Config
from jarvis_ports.difficulty import HARDEST

FOLDER = Path(__file__).parents[2] / "bench" / "difficulty"
SETS = ("tuned", "everyday", "held_out")
LANGUAGES = ("en", "es")


def queries(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (FOLDER / f"{name}.jsonl").read_text("utf-8").splitlines()]


def normalised(text: str) -> str:
    """Leave only letters and digits, in lower case."""
    return "".join(filter(str.isalnum, text.casefold()))


def test_there_are_at_least_120_queries_and_no_text_is_there_twice() -> None:
    texts = [normalised(query["text"]) for name in SETS for query in queries(name)]
    assert len(texts) >= 120
    assert sorted(texts) == sorted(set(texts))


@pytest.mark.parametrize("name", SETS)
def test_each_query_has_a_text_a_language_and_a_difficulty_on_the_scale(name: str) -> None:
    for query in queries(name):
        assert query.keys() == {"text", "language", "difficulty"}
        assert query["text"].strip()
        assert query["language"] in LANGUAGES
        assert query["difficulty"] in range(HARDEST + 1)


@pytest.mark.parametrize("name", SETS)
def test_each_tier_has_queries_in_each_language(name: str) -> None:
    ends = [tier.below for tier in Config().prompts.tiers]
    tiers = [
        (query["language"], sum(end is not None and query["difficulty"] >= end for end in ends))
        for query in queries(name)
    ]
    for each in product(LANGUAGES, range(len(ends))):
        assert tiers.count(each) >= 10, f"too few of {each}"
