"""Further weights (LoRA), before an engine sees them, and how one is given them."""

import asyncio
import json
from types import SimpleNamespace

import pytest
from vllm.v1.engine.exceptions import EngineDeadError

from jarvis_adapters.vllm.lora import Weights
from jarvis_adapters.vllm.lora_files import check
from jarvis_adapters.vllm.lora_room import room, with_empty_place
from jarvis_ports.errors import EngineDead, EngineFailure, EngineStartFailed

Q = "layers.0.self_attn.q_proj"
MODEL = {f"model.{Q}.weight": ("BF16", [64, 32])}


def write(folder, tensors, name="adapter_model.safetensors"):
    """Write the head of a safetensors file; nobody reads more."""
    folder.mkdir(exist_ok=True)
    head = {key: {"dtype": dtype, "shape": shape} for key, (dtype, shape) in tensors.items()}
    data = json.dumps(head).encode()
    (folder / name).write_bytes(len(data).to_bytes(8, "little") + data)
    return folder


def factors(module=f"base_model.model.model.{Q}", a=(8, 32), b=(64, 8)):
    return {f"{module}.lora_A.weight": ("F32", list(a)), f"{module}.lora_B.weight": ("F32", list(b))}


@pytest.fixture
def base(tmp_path):
    return write(tmp_path / "base", MODEL, "model.safetensors")


def test_weights_of_the_model_are_taken(tmp_path, base):
    folder = write(tmp_path / "own", factors())
    check(folder, base, 8)
    check(folder, tmp_path / "not here", 8)
    check(write(tmp_path / "vision", factors(f"base_model.model.language_model.{Q}")), base, 8)


def test_a_quantised_model_is_not_compared(tmp_path):
    base = write(tmp_path / "base", {f"model.{Q}.weight": ("U8", [64, 16])}, "model.safetensors")
    check(write(tmp_path / "own", factors()), base, 8)


WRONG = {
    "width": (
        factors(a=(8, 16)),
        f"it is of another model: {Q} is [64, 16] in that, and [64, 32] in this one",
    ),
    "layer": (
        factors("base_model.model.model.layers.1.self_attn.q_proj"),
        "it is of another model: this one has no layers.1.self_attn.q_proj",
    ),
    "rank": (
        factors(a=(16, 32), b=(64, 16)),
        "its rank is 16, and the engine takes 8: raise engine_args.max_lora_rank",
    ),
    "half": (
        {f"x.{Q}.lora_A.weight": ("F32", [8, 32])},
        f"the factors of x.{Q} do not fit together: [8, 32] and []",
    ),
    "factors": (
        factors(b=(64, 4)),
        f"the factors of base_model.model.model.{Q} do not fit together: [8, 32] and [64, 4]",
    ),
    "nothing": ({}, "adapter_model.safetensors has no weights of a LoRA"),
}


@pytest.mark.parametrize(("tensors", "problem"), WRONG.values(), ids=WRONG)
def test_weights_that_do_not_fit_are_refused(tmp_path, base, tensors, problem):
    with pytest.raises(EngineStartFailed) as caught:
        check(write(tmp_path / "own", tensors), base, 8)
    assert str(caught.value).endswith(problem)


@pytest.mark.parametrize(
    "data", [b"", b"1234", (2**40).to_bytes(8, "little"), b"\2" + bytes(7) + b"[]"], ids=range(4)
)
def test_a_file_that_is_no_safetensors_is_refused(tmp_path, base, data):
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "adapter_model.safetensors").write_bytes(data)
    with pytest.raises(EngineStartFailed, match=r"cannot be read|has no weights of a LoRA"):
        check(folder, base, 8)


@pytest.mark.parametrize(
    ("asked", "places"), [({}, 2), ({"max_loras": 2}, 3), ({"max_loras": 2, "max_cpu_loras": 4}, 5)]
)
def test_a_place_stays_empty_on_a_cpu(asked, places):
    args = {"enable_lora": True, **asked}
    assert with_empty_place(args, cpu=False) == args
    assert with_empty_place(args, cpu=True) == {**args, "max_loras": places, "max_cpu_loras": places}
    assert with_empty_place(asked, cpu=True) == asked


@pytest.mark.parametrize(("cpu", "left"), [(True, 2), (False, 3)])
def test_that_place_is_not_given_away(monkeypatch, cpu, left):
    monkeypatch.setattr("jarvis_adapters.vllm.lora_room.is_cpu_build", lambda: cpu)
    assert room(3) == left


class Engine:
    """Keeps the numbers of weights, or fails."""

    def __init__(self, base, places):
        lora = SimpleNamespace(max_cpu_loras=None, max_loras=places, max_lora_rank=8) if places else None
        self.vllm_config = SimpleNamespace(lora_config=lora, model_config=SimpleNamespace(model=str(base)))
        self.there = {}
        self.error = None
        self.answers = asyncio.Event()
        self.answers.set()

    async def add_lora(self, wanted):
        if self.error:
            raise self.error
        self.there[wanted.lora_int_id] = wanted.lora_name
        await self.answers.wait()
        return True

    async def remove_lora(self, number):
        if isinstance(self.error, EngineDeadError):
            raise self.error
        return self.there.pop(number, None) is not None


@pytest.fixture
def own(tmp_path):
    return write(tmp_path / "own", factors())


@pytest.fixture
def engine(base, monkeypatch):
    monkeypatch.setattr("jarvis_adapters.vllm.lora_room.is_cpu_build", lambda: False)
    return Engine(base, 1)


def weights(engine):
    return Weights(engine, SimpleNamespace(clear=lambda: None))


async def test_weights_that_come_again_are_others_to_the_engine(engine, own):
    loader = weights(engine)
    await loader.load("a", own)
    await loader.load("a", own)
    assert engine.there == {1: "a-1"}
    await loader.unload("a")
    await loader.unload("a")
    assert engine.there == {}
    await loader.load("a", own)
    assert engine.there == {2: "a-2"}, "what it keeps of prompts with the first is not used"
    assert loader.request("a").lora_int_id == 2
    assert loader.request("") is None


async def test_weights_that_are_not_loaded_are_no_silent_default(engine):
    with pytest.raises(EngineFailure, match="the weights 'a' are not loaded"):
        weights(engine).request("a")


async def test_an_engine_is_given_no_more_than_it_has_room_for(engine, own):
    loader = weights(engine)
    await loader.load("a", own)
    with pytest.raises(EngineStartFailed, match=r"has 1 LoRA already.*raise engine_args\.max_loras"):
        await loader.load("b", own)
    await loader.unload("a")
    await loader.load("b", own)


async def test_weights_that_nobody_waits_for_any_more_do_not_stay_in_the_engine(engine, own):
    loader = weights(engine)
    engine.answers.clear()
    load = asyncio.create_task(loader.load("a", own))
    while not engine.there:
        await asyncio.sleep(0.001)
    load.cancel()
    await asyncio.wait([load])
    assert load.cancelled()
    assert engine.there == {}
    engine.answers.set()
    await loader.load("b", own)
    assert engine.there == {2: "b-2"}, "there is room for it"


async def test_an_engine_that_takes_none_says_which_setting_does(base, own):
    with pytest.raises(EngineStartFailed, match=r"set engine_args\.enable_lora"):
        await weights(Engine(base, 0)).load("a", own)


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ("Call to add_lora method failed: Worker failed with error 'no \"x\"', please check the", 'no "x"'),
        ("Call to add_lora method failed: no x", "no x"),
        ("", "Exception"),
    ],
)
async def test_what_the_engine_says_is_told_without_the_way_it_went(engine, own, said, cause):
    engine.error = Exception(said)
    with pytest.raises(EngineStartFailed) as caught:
        await weights(engine).load("a", own)
    assert str(caught.value) == f"{own}: {cause}"


async def test_a_dead_engine_is_told(engine, own):
    loader = weights(engine)
    await loader.load("a", own)
    engine.error = EngineDeadError()
    with pytest.raises(EngineDead):
        await loader.unload("a")
    with pytest.raises(EngineDead):
        await loader.load("b", own)
