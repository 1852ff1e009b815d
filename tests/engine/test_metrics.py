"""vLLM's metrics of two engines in one process, one of which dies, and what is left of it."""

import os
import signal
from collections import Counter
from contextlib import AsyncExitStack

import psutil
import pytest
from prometheus_client import REGISTRY, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from bench import tiny_model
from jarvis_adapters.vllm import open_vllm
from jarvis_adapters.vllm.settings import VLLMSettings
from jarvis_ports.errors import EngineDead
from jarvis_ports.llm import GenerateRequest, SamplingParams

pytestmark = pytest.mark.engine

TOKENS = 5


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    """Makes the settings of an engine; one that is bound to CPUs has a worker beside its core process."""
    folder = tiny_model.make(tmp_path_factory.mktemp("models") / "tiny")

    def make(cpus=None, **engine_args):
        return VLLMSettings(
            model=str(folder),
            dtype="float32",
            max_model_len=1024,
            cpus=cpus,
            engine_args={"kv_cache_memory_bytes": 2**28, **engine_args},
        )

    return make


def engine_processes():
    """List those of all engines of this process: core processes before their workers."""
    return [one for one in psutil.Process().children(recursive=True) if "VLLM" in one.name()]


async def answer(llm):
    sampling = SamplingParams(max_tokens=TOKENS, ignore_eos=True)
    async for _ in llm.generate(GenerateRequest(f"r-{os.urandom(4).hex()}", "Once", sampling)):
        pass


def page():
    """Return vLLM's values by sample and model, of a page on which nothing is there twice."""
    families = list(text_string_to_metric_families(generate_latest(REGISTRY).decode()))
    assert [name for name, count in Counter(family.name for family in families).items() if count > 1] == []
    samples = [sample for family in families for sample in family.samples if sample.name.startswith("vllm:")]
    series = Counter((sample.name, *sorted(sample.labels.items())) for sample in samples)
    assert [one for one, count in series.items() if count > 1] == []
    return {(sample.name, sample.labels["model_name"]): sample.value for sample in samples}


def models():
    return {model for _, model in page()}


def tokens(model):
    return page()["vllm:generation_tokens_total", model]


async def test_engines_have_their_metrics_side_by_side_and_one_that_dies_leaves_nothing(
    settings, still_there, caplog
):
    before = engine_processes()
    dying = settings(cpus=str(min(os.sched_getaffinity(0))))
    async with AsyncExitStack() as stack:
        first = AsyncExitStack()
        one = await first.enter_async_context(open_vllm(dying))
        core, worker = own = [process for process in engine_processes() if process not in before]
        other = await stack.enter_async_context(open_vllm(settings(served_model_name="other")))
        others = [process for process in engine_processes() if process not in [*before, *own]]
        for llm in (one, other, other):
            await answer(llm)
        assert (tokens("tiny"), tokens("other")) == (TOKENS, 2 * TOKENS)
        assert page()["vllm:time_to_first_token_seconds_count", "other"] == 2
        assert models() == {"tiny", "other"}

        worker.send_signal(signal.SIGSTOP)  # so that it does not see that its engine is gone
        core.kill()
        with pytest.raises(EngineDead):
            await answer(one)
        await first.aclose()
        assert still_there(own, within=0.5) == []
        assert f"processes of the engine did not end, and are killed: {worker.pid}" in caplog.messages
        assert still_there(others, within=0.5) == others
        assert models() == {"other"}

        second = await stack.enter_async_context(AsyncExitStack())
        again = await second.enter_async_context(open_vllm(dying))
        assert (tokens("tiny"), tokens("other")) == (0, 2 * TOKENS)
        await answer(again)
        await answer(other)
        assert (tokens("tiny"), tokens("other")) == (TOKENS, 3 * TOKENS)
        assert models() == {"tiny", "other"}
        caplog.clear()
        await second.aclose()
        assert models() == {"other"}
        assert not [message for message in caplog.messages if "did not end" in message]

        for process in others:
            process.send_signal(signal.SIGSTOP)
    assert models() == set()
    assert others
    assert still_there([one for one in engine_processes() if one not in before], within=0.5) == []
    assert still_there(others, within=0.5) == [], "an engine that does not react is ended"
