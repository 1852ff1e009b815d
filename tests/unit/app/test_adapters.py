"""What is refused before anything starts, beyond the configuration's own checks."""

import re

import pytest

from jarvis.app.adapters import ConfiguredAdapter, check_memory, check_room, configure_adapter
from jarvis.app.application import make_application
from jarvis.app.bootstrap import check
from jarvis.app.config import Config, ConfigError, ModelConfig, load
from jarvis.core.lifecycle.component import WhenUnwell
from jarvis.core.telemetry.instruments import Instruments
from jarvis_plugins import AdapterSettings, ModelRef
from jarvis_plugins.loader import Adapters, Unloaded
from jarvis_plugins.registry import Adapter, Origin, PortName, UnknownAdapter
from jarvis_plugins.settings import MemoryDemand
from jarvis_ports.errors import CannotReload, ModelUnavailable
from jarvis_ports.values import AdapterState

STAND_INS = ["models.a.adapter=echo", "embedder.adapter=none", "store.adapter=none"]


class Settings(AdapterSettings):
    memory: str = "GPU memory"
    share: float = 0.0

    def memory_demand(self):
        return MemoryDemand(self.memory, self.share, f"{self.share} of it") if self.share else None


def model(**settings):
    adapter = Adapter(PortName.LLM, "fake", Settings, lambda settings: None, Origin("p", "d", "1"))
    return ConfiguredAdapter(adapter, Settings(**settings))


def test_models_that_together_do_not_fit_are_refused_with_numbers():
    with pytest.raises(ConfigError) as caught:
        check_memory({"a": model(share=0.92), "b": model(share=0.5), "c": model(share=0.9, memory="memory")})
    assert str(caught.value).splitlines() == [
        "models: together they ask for 142% of GPU memory; ask for less, or leave one out",
        "models.a: 92%: 0.92 of it",
        "models.b: 50%: 0.5 of it",
    ]


def test_models_that_fit_are_not():
    check_memory({"a": model(share=0.5), "b": model(share=0.5), "c": model()})
    check_memory({"alone": model(share=2.0)})


def test_a_model_that_does_not_fit_twice_is_not_reloaded():
    models = {"a": model(share=0.4), "b": model(share=0.3), "c": model()}
    check_room(models, "b")
    check_room(models, "c")
    check_room(models, "a LoRA, which is in the engine of another")
    with pytest.raises(CannotReload) as caught:
        check_room(models, "a")
    assert str(caught.value) == (
        "model 'a' cannot be open twice while it is reloaded: restart the server instead; models: together "
        "they ask for 110% of GPU memory; ask for less, or leave one out; models.a, again: 40%: 0.4 of it; "
        "models.a: 40%: 0.4 of it; models.b: 30%: 0.3 of it"
    )


def test_one_model_takes_the_server_with_it_and_one_of_several_does_not():
    def deaths(*sets):
        application = make_application(load(None, [*STAND_INS, *sets], {}), Instruments())
        return [model._when_unwell for model in application.routes.models]

    assert deaths() == [WhenUnwell.EXIT]
    assert deaths("models.b.adapter=echo") == [WhenUnwell.RESTART] * 2
    assert deaths("models.b.adapter=echo", "models.b.on_engine_death=exit")[1] is WhenUnwell.EXIT


def test_a_template_that_cannot_work_is_refused():
    with pytest.raises(ConfigError) as caught:
        check(load(None, [*STAND_INS, "prompts.templates.chat.text.es='{{ nombre }}'"], {}))
    assert str(caught.value).startswith("prompts.templates.chat (es): the variable 'nombre' does not exist; ")


@pytest.mark.parametrize("value", ["inf", "nan"])
@pytest.mark.parametrize(
    ("setting", "key"),
    [
        ("models.a.settings.load_seconds", "load_seconds"),
        ("models.a.settings.tokens_per_second", "tokens_per_second"),
        ("telemetry.settings.export_seconds", "export_seconds"),
        ("cache=[{adapter='memory',settings={ttl_seconds=VALUE}}]", "ttl_seconds"),
    ],
)
def test_a_number_of_an_adapter_that_is_not_finite_is_refused(setting, key, value):
    pair = setting.replace("VALUE", value) if "VALUE" in setting else f"{setting}={value}"
    sets = [*STAND_INS, "embedder.adapter=hashing", "telemetry.adapter=opentelemetry", pair]
    with pytest.raises(ConfigError, match=f"{key}: Input should be (a finite number|greater)"):
        check(load(None, sets, {}))


RERANKER = ("reranker.adapter=llm", "reranker.model=a")


@pytest.mark.parametrize(
    ("sets", "told"),
    [
        (["reranker.adapter=llm"], "the adapter llm needs it, and no other has it"),
        (["reranker.adapter=overlap", "reranker.model=a"], "the adapter llm needs it, and no other has it"),
        (["reranker.adapter=llm", "reranker.model=b"], r"model: 'b' is not one of the models \(a\)"),
        ([*RERANKER, "reranker.settings.x=1"], "reranker.settings: the adapter llm has none"),
        (["reranker.adapter=overlap", "reranker.settings.x=1"], 'reranker.adapter = "none" turns it off'),
    ],
)
def test_a_reranker_that_cannot_work_is_refused(sets, told):
    with pytest.raises(ConfigError, match=told):
        check(load(None, [*STAND_INS, *sets], {}))


@pytest.mark.parametrize(
    ("sets", "name", "after"),
    [
        (["reranker.adapter=overlap"], "overlap", "telemetry"),
        (["reranker.adapter=overlap", "reranker.name=n", "embedder.adapter=hashing"], "n", "embedder"),
        (RERANKER, "a", PortName.LLM),
        ([*RERANKER, "reranker.name=n"], "n", PortName.LLM),
    ],
)
def test_a_reranker_has_a_name_and_its_turn(sets, name, after):
    application = make_application(load(None, [*STAND_INS, *sets], {}), Instruments())
    reranker = application.components.one(PortName.RERANKER)
    assert reranker.name == name
    assert (reranker._after and reranker._after.port_name) == after
    first = application.components.one(PortName.EMBEDDER) or application.components.one(PortName.TELEMETRY)
    last = first if after is PortName.LLM else reranker
    assert application.routes.models[0]._after is last, "two do not import the same library at once"


def test_the_log_file_is_checked_too():
    with pytest.raises(ConfigError, match=r"^log\.file: /no/such/x\.log cannot be written: No such file"):
        check(load(None, [*STAND_INS, "log.file=/no/such/x.log"], {}))


@pytest.mark.parametrize(
    ("sets", "told"),
    [
        (
            ["models.b.adapter=ecco"],
            "models.b.adapter: no llm adapter 'ecco' is installed; installed: echo, ",
        ),
        (["embedder.adapter=ecco"], "embedder.adapter: no embedder adapter 'ecco' is installed"),
        (["reranker.adapter=ecco"], "reranker.adapter: no reranker adapter 'ecco' is installed"),
        (
            ["embedder.adapter=hashing", "cache=[]", "store.adapter=ecco"],
            "store.adapter: no store adapter 'ecco' is installed",
        ),
        (
            ["estimator.adapter=ecco"],
            "estimator.adapter: no estimator adapter 'ecco' is installed; installed: h",
        ),
        (["telemetry.adapter=ecco"], "telemetry.adapter: no telemetry adapter 'ecco' is installed"),
        (
            ["embedder.adapter=hashing", "cache=[{adapter='memory'}, {adapter='ecco'}]"],
            "cache[1].adapter: no cache adapter 'ecco' is installed",
        ),
    ],
)
def test_an_unknown_adapter_is_told_with_its_key_and_those_there_are(sets, told):
    with pytest.raises(UnknownAdapter, match=f"^{re.escape(told)}"):
        check(load(None, [*STAND_INS, *sets], {}))


def test_a_model_whose_files_are_missing_is_told_with_its_key():
    class Named(AdapterSettings):
        model: ModelRef

    adapter = Adapter(PortName.LLM, "fake", Named, lambda settings: None, Origin("p", "d", "1"))
    section = ModelConfig(adapter="fake", settings={"model": "/no/such"})
    with pytest.raises(ModelUnavailable, match=r"^models\.b\.settings\.model: /no/such: there is no such"):
        configure_adapter(Adapters({(PortName.LLM, "fake"): adapter}), PortName.LLM, "models.b", section)


BLOCKED = Unloaded(Origin("heuristic", "jarvis-difficulty", "1"), AdapterState.BLOCKED, "as configured")


@pytest.mark.parametrize(
    ("unloaded", "says"),
    [
        ([], "\npip install ./plugins/jarvis-difficulty in a clone of the repository brings it"),
        ([BLOCKED], "; plugin 'heuristic' of jarvis-difficulty 1 did not load (blocked): as configured"),
    ],
)
def test_without_the_default_estimator_the_error_says_what_to_do(unloaded, says):
    with pytest.raises(UnknownAdapter) as unknown:
        configure_adapter(Adapters(unloaded=unloaded), PortName.ESTIMATOR, "estimator", Config().estimator)
    assert str(unknown.value) == (
        f"estimator.adapter: no estimator adapter 'heuristic' is installed; installed: none{says}\n"
        'estimator.adapter = "none" turns it off'
    )
