"""Models that are another one with further weights, as they are configured."""

import json
from pathlib import Path

import pytest

from jarvis.app.application import make_application
from jarvis.app.config import ConfigError, load
from jarvis.app.weights import find_weights
from jarvis.core.lifecycle.component import WhenUnwell
from jarvis.core.telemetry.instruments import Instruments
from jarvis_ports.errors import EngineStartFailed

BASE = ["models.m.adapter=echo", "embedder.adapter=none", "store.adapter=none"]
OWN = "models.own.adapter=lora"


def write(folder, described=None):
    folder.mkdir(parents=True)
    described = {"peft_type": "LORA", "r": 8} if described is None else described
    text = described if isinstance(described, str) else json.dumps(described)
    (folder / "adapter_config.json").write_text(text)
    (folder / "adapter_model.safetensors").write_bytes(b"")
    return folder


def allowing(folder):
    return f'server.weights_folders=["{folder}"]'


def own(path, base="m"):
    return [OWN, f'models.own.settings={{base="{base}", path="{path}"}}']


def test_it_is_after_its_model_is_opened_again_for_ever_and_is_not_of_the_default_route(tmp_path):
    sets = [*BASE, allowing(tmp_path), *own(write(tmp_path / "one")), "routes.r.models=['own']"]
    config = load(None, sets, {})
    routes = make_application(config, Instruments()).routes

    assert config.routes["default"].models == ["m"]
    assert [(model.name, model.adapter) for model in routes.models] == [("m", "echo"), ("own", "lora")]
    base, model = routes.models
    assert (model._after, model._when_unwell) == (base, WhenUnwell.RETRY)
    assert base._when_unwell is WhenUnwell.EXIT, "it is the only engine"


WRONG = {
    "no base": ([OWN, "models.own.settings.path=x"], "own.settings.base: is required"),
    "no path": ([OWN, "models.own.settings.base=m"], "own.settings.path: is required"),
    "unknown key": (
        [*own("x"), "models.own.settings.rank=1"],
        "own.settings.rank: unknown key (allowed: base, path)",
    ),
    "unknown base": (
        own("x", "no"),
        "own.settings.base: 'no' is none of the models with an engine of their own (m)",
    ),
    "itself": (own("x", "own"), "own.settings.base: 'own' is none of the models"),
    "death": (
        [*own("x"), "models.own.on_engine_death=exit"],
        "own.on_engine_death: it has no engine; m says what happens",
    ),
    "no folders": (own("x"), "own.settings.path: name the folders of weights in server.weights_folders"),
}


@pytest.mark.parametrize(("sets", "problem"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_told(sets, problem):
    with pytest.raises(ConfigError) as caught:
        load(None, [*BASE, *sets], {})
    assert f"models: {problem}" in str(caught.value)


def test_weights_that_are_missing_are_told_before_anything_starts(tmp_path):
    config = load(None, [*BASE, allowing(tmp_path), *own(tmp_path / "no")], {})
    with pytest.raises(ConfigError) as caught:
        make_application(config, Instruments())
    assert str(caught.value) == f"models.own.settings.path: {tmp_path}/no does not exist"


def test_weights_are_found_behind_links_that_stay_inside(tmp_path):
    folder = write(tmp_path / "in" / "one")
    (tmp_path / "in" / "link").symlink_to(folder)
    assert find_weights(str(tmp_path / "in" / "link"), [str(tmp_path / "in")]) == folder


@pytest.mark.parametrize("how", ["beside", "up", "link", "link of a file"])
def test_weights_outside_of_the_folders_are_refused(tmp_path, how):
    inside, outside = tmp_path / "in", write(tmp_path / "in2" / "one")
    inside.mkdir()
    path = {"beside": outside, "up": f"{inside}/../in2/one"}.get(how, inside / "one")
    if how == "link":
        (inside / "one").symlink_to(outside)
    elif how == "link of a file":
        write(inside / "one")
        (inside / "one/adapter_model.safetensors").unlink()
        (inside / "one/adapter_model.safetensors").symlink_to(outside / "adapter_model.safetensors")
    with pytest.raises(EngineStartFailed, match=r"is, or leads, outside of server\.weights_folders"):
        find_weights(str(path), [str(inside)])


@pytest.mark.parametrize(
    ("described", "problem"),
    [
        ("{", "cannot be read"),
        ("[]", "cannot be read"),
        ("[" * 100_000, "cannot be read"),
        ({"peft_type": "IA3"}, "are of the kind 'IA3', not"),
    ],
)
def test_what_is_no_lora_is_refused(tmp_path, described, problem):
    with pytest.raises(EngineStartFailed, match=problem):
        find_weights(str(write(tmp_path / "one", described)), [str(tmp_path)])


@pytest.mark.parametrize("path", ["a\0b", "{inside}/" + "a" * 999, "~nobody-is-this/x", "{inside}/loop"])
def test_a_path_that_cannot_be_one_is_refused(tmp_path, path):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(EngineStartFailed, match="cannot be looked at"):
        find_weights(path.format(inside=tmp_path), [str(tmp_path)])


def test_a_folder_without_the_tensors_is_refused(tmp_path):
    Path(write(tmp_path / "one"), "adapter_model.safetensors").unlink()
    with pytest.raises(EngineStartFailed, match=r"adapter_model\.safetensors does not exist"):
        find_weights(str(tmp_path / "one"), [str(tmp_path)])
