"""The vLLM adapter, as far as no engine is needed; what depends on a GPU is tested here alone."""

import asyncio
import subprocess
import sys
import time
from pkgutil import resolve_name

import psutil
import pytest
from pydantic import ValidationError

from jarvis_adapters.vllm import plugin, start
from jarvis_adapters.vllm.abandon import in_thread
from jarvis_adapters.vllm.failures import FailureLog
from jarvis_adapters.vllm.settings import VLLMSettings, engine_args
from jarvis_adapters.vllm.step_down import helps, is_out_of_memory, smaller
from jarvis_ports.errors import EngineStartFailed

OPTIMIZED = VLLMSettings(model="m")
BASELINE = VLLMSettings(model="m", profile="baseline")


def test_the_profiles_on_a_gpu():
    baseline, optimized = engine_args(BASELINE, cpu=False), engine_args(OPTIMIZED, cpu=False)
    names = [
        "gpu_memory_utilization",
        "max_num_seqs",
        "enable_prefix_caching",
        "max_num_batched_tokens",
        "kv_offloading_size",
    ]

    assert [baseline.get(name) for name in names] == [0.85, 16, False, None, None]
    assert [optimized.get(name) for name in names] == [0.92, 256, True, 8192, 8.0]


def test_a_cpu_has_no_offloading_and_a_cache_of_fixed_size():
    args = engine_args(OPTIMIZED, cpu=True)

    assert "kv_offloading_size" not in args
    assert args["kv_cache_memory_bytes"] == 2 * 2**30


def test_engine_args_go_before_the_profile():
    settings = VLLMSettings(model="m", engine_args={"max_num_seqs": 3, "swap_space": 4})
    args = engine_args(settings, cpu=False)

    assert args["max_num_seqs"] == 3
    assert args["kv_offloading_size"] == 4, "what swap_space became"
    assert "swap_space" not in args


def test_offloading_can_be_turned_off():
    settings = VLLMSettings(model="m", engine_args={"kv_offloading_size": 0})

    assert "kv_offloading_size" not in engine_args(settings, cpu=False)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"max_num_seq": 3}, "max_num_seq: .* has no such field; did you mean max_num_seqs"),
        ({"max_num_seqs": "many"}, "max_num_seqs: Input should be a valid integer"),
        ({"model": "x"}, "model: is set beside engine_args, not in it"),
        (
            {"structured_outputs_config": {"backend": "xgrammar"}},
            "structured_output, beside engine_args, says",
        ),
    ],
)
def test_engine_args_are_checked_before_the_engine_starts(args, said):
    with pytest.raises(ValidationError, match=said):
        VLLMSettings(model="m", engine_args=args)


def test_a_table_of_engine_args_is_read_as_vllm_reads_it():
    given = {"structured_outputs_config": {"disable_any_whitespace": True}}
    args = engine_args(VLLMSettings(model="m", engine_args=given), cpu=True)

    assert args["structured_outputs_config"].disable_any_whitespace
    with pytest.raises(ValidationError, match="structured_outputs_config: Unexpected keyword argument"):
        VLLMSettings(model="m", engine_args={"structured_outputs_config": {"no_whitespace": True}})


def test_an_engine_is_bound_to_its_cpus():
    args = engine_args(VLLMSettings(model="m", cpus="0-2,5"), cpu=True)

    assert args["additional_config"] == {"cpus": "0-2,5"}
    assert resolve_name(args["distributed_executor_backend"]).__name__ == "OnCPUs"


@pytest.mark.parametrize("cpus", ["", "a", "1-", "0;1"])
def test_cpus_are_numbers_and_ranges(cpus):
    with pytest.raises(ValidationError, match="cpus"):
        VLLMSettings(model="m", cpus=cpus)


def test_cpus_and_what_they_set_are_not_given_both():
    with pytest.raises(ValidationError, match="additional_config: cpus sets it; leave one of the two out"):
        VLLMSettings(model="m", cpus="0", engine_args={"additional_config": {}})


def test_cpus_are_refused_where_vllm_has_a_gpu(monkeypatch):
    monkeypatch.setattr("jarvis_adapters.vllm.settings.is_cpu_build", lambda: False)

    with pytest.raises(ValidationError, match="computes on a GPU; leave it out"):
        VLLMSettings(model="m", cpus="0")


def test_the_steps_down_are_taken_one_after_the_other():
    steps = list(smaller(engine_args(OPTIMIZED, cpu=False)))
    sizes = [
        (args["gpu_memory_utilization"], args["max_num_seqs"], args["max_num_batched_tokens"])
        for args, _ in steps
    ]

    assert sizes == [(0.88, 256, 8192), (0.88, 32, 8192), (0.88, 32, 4096)]
    assert steps[0][1] == "gpu_memory_utilization was lowered from 0.92 to 0.88, for want of memory"


def test_a_step_that_would_lower_nothing_is_skipped():
    (_, note), *others = smaller(engine_args(BASELINE, cpu=False))

    assert note == "max_num_batched_tokens was lowered from the engine's default to 4096, for want of memory"
    assert others == []


@pytest.mark.parametrize(
    ("message", "is_memory"),
    [
        ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.", True),
        (
            "ValueError: Free memory on startup is less than desired GPU memory utilization (0.92)",
            True,
        ),
        (
            "ValueError: No available memory for the cache blocks. Try increasing `gpu_memory_utilization`",
            True,
        ),
        (
            "ValueError: 4 GiB KV cache is needed, which is larger than the available KV cache memory",
            True,
        ),
        ("ValueError: Model architectures ['Foo'] are not supported for now.", False),
    ],
)
def test_out_of_memory_is_told_from_other_failures(message, is_memory):
    assert is_out_of_memory(message) is is_memory


OOM = EngineStartFailed("CUDA out of memory")


@pytest.mark.parametrize(
    ("failures", "step_down", "attempts", "said"),
    [
        ([OOM], True, 2, None),
        ([OOM, OOM, OOM], True, 4, None),
        (
            [OOM] * 4,
            True,
            4,
            r"CUDA out of memory \(after: gpu_memory_utilization was .*; max_num_batched_tokens",
        ),
        ([OOM], False, 1, "CUDA out of memory"),
        ([EngineStartFailed("no such model")], True, 1, "no such model"),
    ],
    ids=["once", "to the last step", "gives up", "turned off", "another failure"],
)
def test_a_start_steps_down_while_memory_runs_out(monkeypatch, tmp_path, failures, step_down, attempts, said):
    left, tried = list(failures), []

    def start_once(args, *_):
        tried.append(args)
        if left:
            raise left.pop(0)
        return "engine"

    monkeypatch.setattr(start, "_start_once", start_once)
    settings = VLLMSettings(model="m", step_down=step_down)
    if said:
        with pytest.raises(EngineStartFailed, match=said):
            start._start(settings, FailureLog(tmp_path))
    else:
        started = start._start(settings, FailureLog(tmp_path))
        assert (started.engine, len(started.notes)) == ("engine", len(failures))
    assert len(tried) == attempts


@pytest.mark.parametrize(("args", "noted"), [({"trust_remote_code": True}, 1), ({}, 0)])
def test_that_a_models_code_is_run_is_noted_and_logged(monkeypatch, tmp_path, caplog, args, noted):
    monkeypatch.setattr(start, "_start_once", lambda *_: "engine")
    started = start._start(VLLMSettings(model="m", engine_args=args), FailureLog(tmp_path))
    assert started.notes == [start.TRUSTED] * noted
    assert caplog.text.count("trust_remote_code is on") == noted


def test_the_root_cause_is_the_first_exception_in_the_log(tmp_path):
    log = FailureLog(tmp_path)
    assert log.root_cause() == ""
    (tmp_path / "failures.log").write_text(
        "WorkerProc failed to start.\n"
        "Traceback (most recent call last):\n  File x\n    y()\nValueError: too small\n"
        "EngineCore failed to start.\n"
        "Traceback (most recent call last):\n  File x\nException: see above\n"
    )

    assert log.root_cause() == "ValueError: too small"


def test_that_the_engine_is_dead_is_no_root_cause(tmp_path):
    log = FailureLog(tmp_path)
    (tmp_path / "failures.log").write_text(
        "Traceback (most recent call last):\n  File x\nvllm.v1.engine.exceptions.EngineDeadError: it\n"
    )

    assert log.root_cause() == ""
    log.clear()
    assert log.root_cause() == ""


async def test_a_start_that_nobody_waits_for_loses_its_processes():
    def slow():
        subprocess.run(["sleep", "60"], check=True)

    waiting = asyncio.create_task(in_thread(slow, abandon=lambda _: None))
    while not (sleeping := [p for p in psutil.Process().children() if p.name() == "sleep"]):
        await asyncio.sleep(0.01)
    waiting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await waiting
    psutil.wait_procs(sleeping, timeout=5)
    assert not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in sleeping)


async def test_a_start_that_succeeds_too_late_is_undone():
    undone = asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow():
        time.sleep(0.1)
        return "engine"

    def abandon(result):
        assert result == "engine"
        loop.call_soon_threadsafe(undone.set)

    waiting = asyncio.create_task(in_thread(slow, abandon=abandon))
    await asyncio.sleep(0.01)
    waiting.cancel()
    await asyncio.wait_for(undone.wait(), 5)


async def test_a_start_hands_over_its_result_and_its_error():
    assert await in_thread(lambda: 7, abandon=lambda _: None) == 7
    with pytest.raises(ZeroDivisionError):
        await in_thread(lambda: 1 / 0, abandon=lambda _: None)


def test_the_end_of_the_process_waits_for_the_step_of_a_start_that_was_given_up():
    program = (
        "import asyncio, time\n"
        "from jarvis_adapters.vllm.abandon import in_thread\n"
        "def step():\n"
        "    time.sleep(0.5)\n"
        "    print('whole', flush=True)\n"
        "async def main():\n"
        "    start = asyncio.create_task(in_thread(step, abandon=print))\n"
        "    await asyncio.sleep(0.1)\n"
        "    start.cancel()\n"
        "asyncio.run(main())\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60, check=True)
    assert ended.stdout.startswith(b"whole")


def test_other_programs_that_use_vllm_are_left_alone(monkeypatch):
    monkeypatch.delenv("JARVIS_SERVER_PID", raising=False)
    monkeypatch.setattr(plugin, "detach", pytest.fail)
    plugin.prepare()


@pytest.mark.parametrize(
    ("message", "share", "is_tried"),
    [
        ("Free memory on startup is less than desired GPU memory utilization (0.92)", 0.92, True),
        ("Free memory on startup is less than desired GPU memory utilization (0.8)", 0.8, False),
        ("CUDA out of memory", 0.8, True),
    ],
)
def test_a_step_that_cannot_help_is_not_tried(message, share, is_tried):
    before = {"gpu_memory_utilization": share, "max_num_seqs": 64}
    after, _ = next(smaller(before))

    assert helps(message, before, after) is is_tried
