"""Models that ask for more memory than there is."""

import re

import pytest

from tests.engine.support import START, read

pytestmark = pytest.mark.engine


@pytest.mark.long
async def test_too_little_memory_is_told_after_the_last_step_down(serve, tiny, tmp_path):
    sets = [
        "log.level=warning",
        "models.tiny.settings.profile=baseline",
        f"models.tiny.settings.engine_args.kv_cache_memory_bytes={2**50}",
    ]
    async with serve(tmp_path, *tiny, *sets) as server:
        assert await server.exit_code(START) == 1

    lines = read(server.log)
    assert {line["level"] for line in lines} == {"WARNING", "ERROR"}
    step = "starting again: max_num_batched_tokens was lowered from the engine's default to 4096"
    assert any(step in line["message"] for line in lines)
    theirs = [line["exception"] for line in lines if "pid" in line and "exception" in line]
    assert any("is less than requested memory for kv" in exception for exception in theirs)
    assert "is less than requested memory for kv" in lines[-1]["message"]
    assert lines[-1]["level"] == "ERROR"


async def test_models_that_do_not_fit_together_are_told_before_an_engine_starts(
    serve, tiny_folder, tmp_path, monkeypatch
):
    monkeypatch.setenv("VLLM_CPU_KVCACHE_SPACE", str(2**20))  # GiB; engine_args would take an import of vLLM
    sets = [f'models.{name}.settings.model="{tiny_folder}"' for name in ("one", "other")]
    async with serve(tmp_path, *sets, "embedder.adapter=none", "store.adapter=none") as server:
        assert await server.exit_code(START) == 2

    log = server.log.read_text()
    assert re.search(r"models: together they ask for \d+% of memory", log)
    assert re.search(r"models\.other: \d+%: weights 0\.0 GiB, KV cache 1048576\.0 GiB, processes", log)
    assert "process_name" not in log
