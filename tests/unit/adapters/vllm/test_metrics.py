"""vLLM's metrics of several engines on one page, without an engine."""

from collections import Counter
from contextlib import ExitStack
from types import SimpleNamespace

import pytest
from prometheus_client import REGISTRY, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from vllm.distributed.kv_transfer.kv_connector.factory import KVConnectorFactory
from vllm.v1.metrics.loggers import PrometheusStatLogger
from vllm.v1.metrics.prometheus import unregister_vllm_metrics
from vllm.v1.metrics.stats import IterationStats, SchedulerStats

from jarvis_adapters.vllm.metrics import PAGE, PER_TOKEN, Metrics

DASHBOARDS = {
    "vllm:time_to_first_token_seconds",
    "vllm:e2e_request_latency_seconds",
    "vllm:request_queue_time_seconds",
    "vllm:request_time_per_output_token_seconds",
    "vllm:num_requests_running",
    "vllm:num_requests_waiting",
    "vllm:kv_cache_usage_perc",
    "vllm:prefix_cache_queries",
    "vllm:prefix_cache_hits",
    "vllm:prompt_tokens",
    "vllm:generation_tokens",
    "vllm:num_preemptions",
    "vllm:request_success",
}


def config():
    """That of an engine with every part that vLLM has metrics of."""
    return SimpleNamespace(
        observability_config=SimpleNamespace(
            show_hidden_metrics=True, kv_cache_metrics=True, custom_histogram_buckets=None
        ),
        model_config=SimpleNamespace(served_model_name="/a/path", max_model_len=2048, is_diffusion=False),
        speculative_config=SimpleNamespace(num_speculative_tokens=2),
        kv_transfer_config=SimpleNamespace(kv_connector="fake", is_kv_consumer=True),
        ec_transfer_config=None,
        lora_config=SimpleNamespace(max_loras=2),
        watermark_config=SimpleNamespace(),
        cache_config=SimpleNamespace(metrics_info=lambda: {"block_size": "16"}),
    )


def build_prom_metrics(_config, metric_types, labelnames, per_engine_labelvalues):
    """Make one metric of each type, as a KV connector does."""
    for base, kind in metric_types.items():
        made = kind(name=f"vllm:connector_{base.__name__}", documentation="-", labelnames=labelnames)
        made.labels(*per_engine_labelvalues[0])


@pytest.fixture
def metrics(monkeypatch):
    """Makes the metrics of an engine."""
    connector = SimpleNamespace(build_prom_metrics=build_prom_metrics)
    monkeypatch.setattr(KVConnectorFactory, "get_connector_class", lambda _: connector)

    def make(kind=Metrics):
        made = kind(config(), [0])
        made.log_engine_initialized()
        return made

    return make


def shown(metrics, name):
    engine = SimpleNamespace(logger_manager=SimpleNamespace(stat_loggers=[object(), metrics]))
    return PAGE.shows(engine, name)


def page():
    """Return the families of vLLM as a scraper reads them, by name."""
    families = list(text_string_to_metric_families(generate_latest(REGISTRY).decode()))
    assert [name for name, count in Counter(family.name for family in families).items() if count > 1] == []
    samples = Counter(
        (sample.name, *sorted(sample.labels.items())) for family in families for sample in family.samples
    )
    assert [sample for sample, count in samples.items() if count > 1] == []
    own = [family for family in families if family.name.startswith("vllm:")]
    return {family.name: family for family in own if not family.name.endswith("_created")}


def models(family):
    return {sample.labels["model_name"] for sample in family.samples}


def running(families, model):
    samples = families["vllm:num_requests_running"].samples
    (found,) = (sample.value for sample in samples if sample.labels["model_name"] == model)
    return found


def test_engines_are_side_by_side_and_leave_one_by_one(metrics):
    one, other = metrics(), metrics()
    with shown(one, "one"):
        one.record(SchedulerStats(num_running_reqs=1), None)
        with shown(other, "other"):
            other.record(SchedulerStats(num_running_reqs=2, running_lora_adapters={"a": 1}), None)
            assert (running(page(), "one"), running(page(), "other")) == (1, 2)
            assert {name for name, family in page().items() if models(family) != {"one", "other"}} == set()
        assert {name for name, family in page().items() if models(family) != {"one"}} == set()
        with shown(metrics(), "other"):
            assert (running(page(), "one"), running(page(), "other")) == (1, 0)
    assert page() == {}


def test_what_warms_an_engine_up_is_not_counted(metrics):
    made = metrics()
    made.record(SchedulerStats(num_running_reqs=1), None)
    with shown(made, "m"):
        assert running(page(), "m") == 0


def test_weights_that_are_gone_leave_no_series(metrics):
    made = metrics()
    with shown(made, "m"):
        for names in ("a", "b", "b", "a,b"):
            made.record(SchedulerStats(running_lora_adapters=dict.fromkeys(names.split(","), 1)), None)
            (sample,) = page()["vllm:lora_requests_info"].samples
            assert sample.labels["running_lora_adapters"] == names


def test_two_of_one_name_are_told_apart(metrics):
    with shown(metrics(), "m"), shown(metrics(), "m"), shown(metrics(), "m"):
        assert models(page()["vllm:num_requests_running"]) == {"m", "m-2", "m-3"}


def test_one_that_replaces_another_has_the_name_once_that_is_gone(metrics):
    new = metrics()
    with ExitStack() as later:
        with shown(metrics(), "m"):
            later.enter_context(shown(new, "m"))
            new.record(SchedulerStats(num_running_reqs=1), None)
            assert running(page(), "m-2") == 1
        assert models(page()["vllm:num_requests_running"]) == {"m"}
        assert running(page(), "m") == 1


def test_an_engine_that_fails_leaves_the_page(metrics):
    with pytest.raises(KeyError), shown(metrics(), "m"):
        raise KeyError
    assert page() == {}


def test_an_engine_without_metrics_is_not_shown():
    with PAGE.shows(SimpleNamespace(logger_manager=None), "m"):
        assert page() == {}


def test_nothing_is_in_the_global_registry_for_vllm_to_take_out(metrics):
    with shown(metrics(), "m"):
        before = page()
        assert [name for name in REGISTRY._names_to_collectors if name.startswith("vllm")] == []
        unregister_vllm_metrics()
        assert page().keys() == before.keys()


def test_all_that_vllm_has_is_there_but_what_is_observed_for_each_token(metrics):
    with shown(metrics(), "m"):
        ours = page()
    metrics(PrometheusStatLogger)
    try:
        theirs = page()
    finally:
        unregister_vllm_metrics()
    assert theirs.keys() - ours.keys() == PER_TOKEN
    assert ours.keys() <= theirs.keys()
    assert ours.keys() >= DASHBOARDS


def test_a_step_is_recorded_without_its_tokens_latencies(metrics):
    made, step = metrics(), IterationStats()
    step.num_generation_tokens = 3
    step.inter_token_latencies_iter = [0.1] * 3
    with shown(made, "m"):
        made.record(SchedulerStats(), step)
        families = page()
    (tokens,) = (
        one.value for one in families["vllm:generation_tokens"].samples if one.name.endswith("_total")
    )
    assert tokens == 3
