"""Weights that are loaded while the server runs, into engines that are made up."""

import asyncio
import logging

import pytest

from jarvis.core.generation import run_time_weights
from jarvis.core.principal import ANYONE, Principal, principal
from jarvis_ports.errors import (
    CannotUnload,
    Draining,
    EngineDead,
    EngineStartFailed,
    InvalidArgument,
    ModelLoading,
    ModelNotFound,
    NameTaken,
    NotConfigured,
    WeightsNotFound,
)
from jarvis_ports.values import AdapterWeights, State, WeightsRequest
from tests.unit.core.generation.house import OWN, House, served
from tests.unit.core.generation.lora_engines import FakeLLM, soon, until

NAME_RULE = "1 to 100 letters, digits, and . _ : / @ -, a letter or digit first"


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    soon(monkeypatch)
    monkeypatch.setattr(run_time_weights, "LOOK_SECONDS", 0.001)


async def test_they_answer_under_their_name_alone_until_they_are_unloaded():
    async with served() as house:
        house.components.changed.clear()
        await house.weights.load(OWN)
        assert house.components.changed.is_set()
        (name,) = house.engines[0].loaded
        assert await house.ask("own") == [f"0 {name}"]
        assert await house.ask("base") == ["0 alone"]
        assert house.weights.listed()[1:] == (AdapterWeights("own", "base", "w", State.READY, False),)
        assert list(house.components)[-1].name == "own"

        assert await house.weights.unload("own") == 0
        with pytest.raises(ModelNotFound, match="there is route, base, fixed"):
            await house.ask("own")
        await until(house.nothing_is_left)
        assert house.weights.listed() == (AdapterWeights("fixed", "base", "f", State.LOADING, True),)

        await house.weights.load(OWN)
        assert house.engines[0].loaded != [name], "what was kept of the first ones is not theirs"


async def test_all_that_is_wrong_is_told_at_once():
    async with served() as house:
        with pytest.raises(InvalidArgument) as caught:
            await house.weights.load(WeightsRequest("fixed", "a b", "elsewhere"))
        assert [(one.field, one.description) for one in caught.value.violations] == [
            ("base", "'fixed' is none of the models with an engine of their own (base)"),
            (
                "name",
                "must have 1 to 100 letters, digits, and . _ : / @ -, a letter or digit first; got 'a b'",
            ),
            ("path", "elsewhere does not exist"),
        ]
        for name in ("", "-a", "a" * 101, "a\n"):
            with pytest.raises(InvalidArgument, match="name: must have"):
                await house.weights.load(WeightsRequest("base", name, "w"))
        assert house.nothing_is_left()


async def test_a_name_that_is_taken_is_refused():
    async with served() as house:
        await house.weights.load(OWN)
        for name in ("base", "fixed", "route"):
            with pytest.raises(NameTaken, match=f"the name '{name}' is taken$"):
                await house.weights.load(WeightsRequest("base", name, "w"))
        with pytest.raises(NameTaken, match="taken; jarvis adapters reload llm own reads its files anew"):
            await house.weights.load(OWN)


async def test_where_no_folder_may_have_weights_the_setting_is_named():
    async with served(folders=False) as house:
        with pytest.raises(NotConfigured, match=r"server\.weights_folders"):
            await house.weights.load(OWN)


async def test_a_model_that_is_not_loaded_gets_none():
    house = House()
    with pytest.raises(ModelLoading):
        await house.weights.load(OWN)


async def test_weights_that_do_not_load_leave_nothing(caplog):
    FakeLLM.refusal = "its rank is 64"
    caplog.set_level(logging.ERROR)
    async with served() as house:
        with pytest.raises(EngineStartFailed, match="its rank is 64"):
            await house.weights.load(OWN)
        assert house.nothing_is_left()
        assert not caplog.records, "it is the caller's fault"
        FakeLLM.refusal = ""
        await house.weights.load(OWN)


async def test_a_caller_who_leaves_leaves_nothing():
    async with served() as house:
        house.engines[0].load.clear()
        load = asyncio.create_task(house.weights.load(OWN))
        await until(lambda: house.principals)
        with pytest.raises(NameTaken, match=r"is taken$"):
            await house.weights.load(OWN)
        load.cancel()
        await asyncio.wait([load])
        assert load.cancelled()
        assert house.nothing_is_left()
        house.engines[0].load.set()
        await house.weights.load(OWN)


async def test_those_who_run_or_wait_finish_before_they_are_unloaded():
    async with served() as house:
        await house.weights.load(OWN)
        (name,) = house.engines[0].loaded
        house.engines[0].go.clear()
        asking = [asyncio.create_task(house.ask("own")) for _ in range(3)]
        await until(lambda: house.routes.models[-1].active == 3)
        unload = asyncio.create_task(house.weights.unload("own"))
        await until(lambda: "own" not in house.routes)
        unload.cancel()
        await asyncio.wait([unload])
        assert house.engines[0].loaded == [name], "those who run have them"
        house.engines[0].go.set()
        assert await asyncio.gather(*asking) == [[f"0 {name}"]] * 3
        await until(house.nothing_is_left)


async def test_those_who_do_not_finish_in_time_are_told_and_counted():
    async with served(drain=0.01) as house:
        await house.weights.load(OWN)
        house.engines[0].go.clear()
        asking = [asyncio.create_task(house.ask("own")) for _ in range(3)]
        beside = asyncio.create_task(house.ask("base"))
        await until(lambda: house.routes.models[-1].active == 3 and house.base.active == 1)
        assert await house.weights.unload("own") == 3
        for one in asking:
            with pytest.raises(Draining, match="model 'own' was unloaded"):
                await one
        assert house.nothing_is_left()
        house.engines[0].go.set()
        assert await beside == ["0 alone"]


async def test_a_request_that_found_them_before_and_asks_after_is_told_to_come_again():
    async with served() as house:
        await house.weights.load(OWN)
        model = house.routes.models[-1]
        await house.weights.unload("own")
        with pytest.raises(EngineDead, match="model 'own' is down: it was unloaded") as caught:
            await house.ask("own", model)
        assert caught.value.retry_after


async def test_what_was_not_loaded_so_cannot_be_unloaded_so():
    async with served() as house:
        for name in ("fixed", "base", "route"):
            with pytest.raises(CannotUnload, match="stands in the configuration"):
                await house.weights.unload(name)
        with pytest.raises(WeightsNotFound, match="no weights 'x' were loaded; there is none"):
            await house.weights.unload("x")
        await house.weights.load(OWN)
        house.engines[0].load.clear()
        reload = asyncio.create_task(house.reloads.reload("llm", "own"))
        await until(lambda: house.routes.models[-1].reload)
        with pytest.raises(CannotUnload, match="is being reloaded"):
            await house.weights.unload("own")
        house.engines[0].load.set()
        assert await reload == 0
        assert await house.weights.unload("own") == 0
        assert house.nothing_is_left()


async def test_two_load_at_once_while_their_engine_is_replaced():
    async with served() as house:
        house.engines[0].load.clear()
        both = [WeightsRequest("base", name, "w") for name in "ab"]
        loads = [asyncio.create_task(house.weights.load(one)) for one in both]
        await until(lambda: len(house.principals) == 2)
        reload = asyncio.create_task(house.reloads.reload("llm", "base"))
        await until(lambda: house.base.replaced)
        await asyncio.sleep(0.01)
        assert not reload.done(), "the old engine stays until they are done with it"
        house.engines[0].load.set()
        async with asyncio.timeout(5):
            await asyncio.gather(*loads)
            assert await reload == 0
        for name in "ab":
            (own,) = [one for one in house.engines[0].loaded if one.startswith(name)]
            assert await house.ask(name) == [f"1 {own}"]


async def test_they_are_there_again_when_the_engine_was_restarted():
    async with served() as house:
        await house.weights.load(OWN)
        house.engines[0].problem = "it fell"
        await until(lambda: len(house.engines) == 2 and house.engines[1].loaded)
        await until(lambda: house.routes.models[-1].state is State.READY)
        (name,) = house.engines[1].loaded
        assert await house.ask("own") == [f"1 {name}"]


async def test_they_can_be_unloaded_while_they_are_down():
    async with served() as house:
        await house.weights.load(OWN)
        FakeLLM.refusal = "the files are gone"
        house.engines[0].problem = "it fell"
        await until(lambda: "the files are gone" in house.routes.models[-1].message)
        assert await house.weights.unload("own") == 0
        assert "own" not in house.routes
        await until(lambda: not house.weights.tasks)


async def test_an_idle_model_is_loaded_for_them_and_they_can_be_unloaded_while_it_is_idle():
    async with served() as house:
        await idle(house)
        with pytest.raises(ModelLoading):
            await house.weights.load(OWN)
        await until(lambda: house.base.state is State.READY)
        await house.weights.load(OWN)
        await idle(house)
        assert await house.weights.unload("own") == 0
        with pytest.raises(ModelLoading):
            await house.ask("base")
        await until(lambda: house.base.state is State.READY)
        assert house.engines[-1].loaded == []


async def idle(house):
    house.base._idle_seconds = 0
    await until(lambda: house.base.state is State.SLEEPING)
    house.base._idle_seconds = None


async def test_a_server_that_shuts_down_loads_none():
    async with served() as house:
        house.engines[0].load.clear()
        load = asyncio.create_task(house.weights.load(OWN))
        await until(lambda: house.principals)
        house.requests.draining = True
        house.engines[0].load.set()
        with pytest.raises(Draining):
            await load
        with pytest.raises(Draining):
            await house.weights.load(OWN)
        assert house.nothing_is_left()


async def test_the_caller_of_the_load_is_not_that_of_what_follows():
    async with served() as house:
        token = principal.set(Principal("somebody", frozenset()))
        await house.weights.load(OWN)
        principal.reset(token)
        assert house.principals == [ANYONE]


async def test_names_are_bounded_as_metrics_keep_them(monkeypatch):
    monkeypatch.setattr(run_time_weights, "MOST_NAMES", 2)
    async with served() as house:
        for name in ("a", "b", "a"):
            await house.weights.load(WeightsRequest("base", name, "w"))
            await house.weights.unload(name)
        with pytest.raises(InvalidArgument, match="name: 2 names were used since the server started"):
            await house.weights.load(OWN)
        await house.weights.load(WeightsRequest("base", "b", "w"))
