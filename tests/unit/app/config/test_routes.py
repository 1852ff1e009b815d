"""Routes are checked before anything starts, and the error says what to change."""

import pytest

from jarvis.app.config import ConfigError, load

EASY, HARD = "models.easy.max_difficulty=39", "models.hard.min_difficulty=40"


def test_without_any_the_default_route_is_all_models():
    config = load(None, [EASY, HARD], {})
    assert config.default_route == "default"
    assert config.routes["default"].models == ["easy", "hard"]


def test_a_model_named_default_is_the_default():
    config = load(None, ["models.default.adapter=vllm", "models.other.adapter=vllm"], {})
    assert (config.routes, config.default_route) == ({}, "default")


def test_a_route_may_fall_back_on_a_route_or_a_model():
    sets = ["routes.a.models=['easy','hard']", "routes.a.fallback=b", "routes.b.models=['spare']"]
    config = load(None, [EASY, HARD, "models.spare.priority=1", *sets, "routes.b.fallback=hard"], {})
    assert (config.routes["a"].fallback, config.routes["b"].fallback) == ("b", "hard")


WRONG = {
    "gap above": (
        [EASY],
        "default (of all models, as it is not configured): no model for difficulty 40 to 100",
    ),
    "gaps": (
        ["models.a.min_difficulty=10", "models.a.max_difficulty=20", "models.b.min_difficulty=30"],
        "no model for difficulty 0 to 9 and 21 to 29; widen min_difficulty and max_difficulty of one of a, b",
    ),
    "gap of one route": ([EASY, HARD, "routes.r.models=['easy']"], "r: no model for difficulty 40 to 100"),
    "circle": (
        [
            "models.m.priority=0",
            *(f"routes.{name}.models=['m']" for name in "abc"),
            *(f"routes.{name}.fallback={after}" for name, after in zip("abc", "bca", strict=True)),
        ],
        "a: fallbacks go in a circle: a -> b -> c -> a; leave one of them out",
    ),
    "circle of one": (["models.m.priority=0", "routes.a.models=['m']", "routes.a.fallback=a"], "a -> a"),
    "later circle": (
        [
            "models.m.priority=0",
            "routes.a.models=['m']",
            "routes.a.fallback=b",
            "routes.b.models=['m']",
            "routes.b.fallback=b",
        ],
        "a: fallbacks go in a circle: a -> b -> b",
    ),
    "one name": (
        ["models.m.priority=0", "routes.m.models=['m']"],
        "m: a model has this name too; rename one",
    ),
    "no such model": (
        ["models.m.priority=0", "routes.a.models=['n']"],
        "a: 'n' is not one of the models (m)",
    ),
    "twice": (["models.m.priority=0", "routes.a.models=['m','m']"], "a: 'm' is named twice"),
    "no fallback": (
        ["models.m.priority=0", "routes.a.models=['m']", "routes.a.fallback=n"],
        "a: fallback 'n' is neither a route nor a model",
    ),
    "no models": (
        ["models.m.priority=0", "routes.a.models=[]"],
        "routes.a.models: List should have at least 1",
    ),
    "no name": (["models.m.priority=0", "routes.''.models=['m']"], "a route needs a name that is not empty"),
    "backwards": (
        ["models.m.min_difficulty=50", "models.m.max_difficulty=49"],
        "models.m.max_difficulty: must be at least min_difficulty (50)",
    ),
    "beyond": (
        ["models.m.max_difficulty=101"],
        "models.m.max_difficulty: Input should be less than or equal to 100",
    ),
}


@pytest.mark.parametrize(("sets", "said"), WRONG.values(), ids=WRONG)
def test_what_leads_nowhere_is_refused(sets, said):
    with pytest.raises(ConfigError) as caught:
        load(None, sets, {})
    assert said in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1, "one mistake, one line"
