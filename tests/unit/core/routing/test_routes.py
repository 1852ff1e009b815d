"""What a name stands for, and in which order its models are tried."""

import pytest

from jarvis.core.admission import Arrival, Ticket
from jarvis.core.routing import Route, Routes, untroubled_first
from jarvis_ports.errors import ModelNotFound


def names(models):
    return [model.name for model in models]


async def test_a_name_is_a_model_a_route_or_the_default(fakes):
    small, large = await fakes.model("small"), await fakes.model("large")
    routes = Routes([small, large], [Route("both", [small, large])], "both")

    assert (routes.get("large").route, names(routes.get("large").order(50))) == (None, ["large"])
    assert (routes.get("both").route, names(routes.get("both").order(50))) == ("both", ["small", "large"])
    assert routes.get("") == routes.get("both")
    with pytest.raises(ModelNotFound, match="no model 'x'; there is both, small, large") as caught:
        routes.get("x")
    assert [violation.field for violation in caught.value.violations] == ["model"]


async def test_difficulty_decides_then_priority_then_load_then_the_order_of_the_configuration(fakes):
    easy = await fakes.model("easy", 0, 39)
    hard = await fakes.model("hard", 40, 100, priority=1)
    harder = await fakes.model("harder", 70, 100)
    other = await fakes.model("other", 70, 100)
    way = Routes([], [Route("r", [easy, hard, harder, other])], "r").get("r")

    assert names(way.order(39)) == ["easy", "hard", "harder", "other"]
    assert names(way.order(40)) == ["hard", "easy", "harder", "other"]
    assert names(way.order(70)) == ["harder", "other", "hard", "easy"]
    assert names(way.order(None)) == ["easy", "harder", "other", "hard"]
    async with harder.request(Ticket(Arrival(), 4)):
        assert names(way.order(70)) == ["other", "harder", "hard", "easy"]


async def test_fallbacks_come_after_all_models_of_the_route_each_once(fakes):
    a, b, c = [await fakes.model(name) for name in "abc"]
    routes = Routes([a, b, c], [Route("x", [b], "y"), Route("y", [b, c], "a")], "x")

    assert names(routes.get("x").order(50)) == ["b", "c", "a"]


async def test_what_kept_failing_comes_last(fakes):
    a, b = await fakes.model("a", failures=1), await fakes.model("b")
    a.breaker.failed()

    assert names(untroubled_first([a, b])) == ["b", "a"]
