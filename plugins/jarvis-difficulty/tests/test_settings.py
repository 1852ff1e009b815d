import pytest
from pydantic import ValidationError

from jarvis_difficulty import common, english, spanish
from jarvis_difficulty.estimator import open_heuristic
from jarvis_difficulty.keywords import BUILT_IN, key
from jarvis_difficulty.settings import HeuristicSettings
from jarvis_difficulty.signals import WEIGHTS, WITHOUT_KEYWORDS, SignalName

TEXT = "Explain our flux capacitor"


async def points(text=TEXT, **settings):
    async with open_heuristic(HeuristicSettings.model_validate(settings)) as heuristic:
        return {signal.name: signal.points for signal in (await heuristic.estimate(text)).signals}


async def test_one_weight_changes_and_the_others_stay():
    changed = await points(weights={"explain": (0, 9)})
    assert changed["explain"] > (await points())["explain"]
    assert changed["base"] == (await points())["base"]
    assert changed.keys() == (await points()).keys()


async def test_a_signal_without_weight_is_left_out():
    assert (await points()).keys() - (await points(weights={"explain": (0, 0)})).keys() == {"explain"}


async def test_given_keywords_count_beside_the_built_in_ones():
    found = await points(keywords={"technical": ["Flux  Capacitor"]})
    assert found.keys() - (await points()).keys() == {"technical"}


async def test_given_keywords_may_have_accents_and_signs():
    keywords = {"technical": ["Señal ñu", "f#", "поезд"]}
    for text in ("la SEÑAL ÑU", "f# now", "Поезд"):
        assert "technical" in await points(text, keywords=keywords)


async def test_a_built_in_keyword_that_is_given_for_another_signal_counts_for_that_alone():
    found = await points("explain", keywords={"small_talk": ["Explain"]})
    assert found.keys() == {"base", "short", "small_talk"}


async def test_a_built_in_keyword_can_be_ignored():
    assert "explain" not in await points(ignored_keywords=["EXPLAIN"])


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"weights": {"no_such": 1}}, "no_such.*\n.*should be 'base', 'small_talk'"),
        ({"weights": {"code": (0, float("nan"))}}, "weights.code"),
        ({"weights": {"code": (float("inf"), 0)}}, "weights.code"),
        ({"weights": {"code": (0, 101)}}, "less than or equal to 100"),
        ({"weights": {"code": 7}}, "weights.code"),
        ({"keywords": {"no_such": ["a"]}}, "no_such.*\n.*should be 'base', 'small_talk'"),
        ({"keywords": {"code": [""]}}, "'', of code, has no letter and no digit"),
        ({"keywords": {"code": ["++"]}}, r"'\+\+', of code, has no letter and no digit"),
        ({"keywords": {"length": ["long"]}}, "length has no keywords; change its weight"),
        ({"keywords": {"code": ["Año"], "maths": ["año"]}}, "'año' is given for code and for maths"),
        ({"ignored_keywords": ["git", "flux"]}, "not built in: 'flux'"),
    ],
)
def test_what_makes_no_sense_is_refused(settings, says):
    with pytest.raises(ValidationError, match=says):
        HeuristicSettings.model_validate(settings)


@pytest.mark.parametrize("module", [common, english, spanish])
def test_every_built_in_keyword_stands_in_its_list_once_and_can_be_found(module):
    phrases = [key(phrase) for text in module.KEYWORDS.values() for phrase in text.split(",")]
    assert all(phrases)
    assert sorted(phrases) == sorted(set(phrases))
    assert set(phrases) <= set(BUILT_IN)


def test_every_signal_has_a_weight_and_keywords_unless_it_takes_none():
    assert WEIGHTS.keys() == set(SignalName)
    for module in (english, spanish):
        assert module.KEYWORDS.keys() == set(SignalName) - WITHOUT_KEYWORDS
