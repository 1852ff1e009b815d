"""One log for the server, vLLM in it, and vLLM's own processes."""

import json

import pytest

from jarvis.v1 import generation_pb2 as pb
from tests.engine.limits import START

pytestmark = pytest.mark.engine
TOO_EARLY = "Triton is installed, but doesn't include CPU backend. Disabling Triton."
"""What the CPU build says as the engine's process imports vLLM, before vLLM sets its log up."""


def read(log):
    return [json.loads(line) for line in log.read_text().split("\n")[:-1] if line != TOO_EARLY]


async def test_standard_error_has_nothing_but_json_and_vllm_is_in_it(serve, connect, tiny, tmp_path):
    async with serve(tmp_path, *tiny, "log.format=json", "server.drain_delay_seconds=0") as server:
        async with connect(server.address) as peer:
            await peer.serving(START)
            await peer.generation.Generate(
                pb.GenerateRequest(prompt="Once", sampling=pb.SamplingParams(max_tokens=3))
            )
        server.terminate()
        assert await server.exit_code() == 0

    lines = read(server.log)
    assert {"timestamp", "level", "logger", "message"} <= set.intersection(*map(set, lines))
    here = {line["logger"] for line in lines if "pid" not in line}
    assert {"jarvis.server.lifecycle", "vllm.config.model"} <= here
    engine = {line["logger"] for line in lines if line.get("process_name") == "EngineCore"}
    assert "vllm.v1.engine.core" in engine
    assert lines[-1]["message"] == "stopped"


async def test_an_engine_that_cannot_start_is_told_in_the_log(serve, tiny, tmp_path):
    sets = ["models.tiny.settings.step_down=false", "log.format=json", "log.level=error"]
    memory = f"models.tiny.settings.engine_args.kv_cache_memory_bytes={2**50}"
    async with serve(tmp_path, *tiny, *sets, memory) as server:
        assert await server.exit_code(START) == 1

    lines = read(server.log)
    assert {line["level"] for line in lines} == {"ERROR"}
    theirs = [line["exception"] for line in lines if "pid" in line and "exception" in line]
    assert any("is less than requested memory for kv" in exception for exception in theirs)
    assert "is less than requested memory for kv" in lines[-1]["message"]


async def test_a_file_takes_it_all_and_is_renamed_when_it_is_full(serve, connect, tiny, tmp_path):
    sets = [f'log.file="{tmp_path}/jarvis.log"', "log.max_file_bytes=4096", "log.backup_files=50"]
    async with serve(tmp_path, *tiny, *sets) as server, connect(server.address) as peer:
        await peer.serving(START)

    assert server.log.read_text().replace(f"{TOO_EARLY}\n", "") == ""
    files = list(tmp_path.glob("jarvis.log*"))
    lines = [line for file in files for line in read(file)]
    assert len(files) > 2
    assert {"jarvis.server.lifecycle", "vllm.v1.engine.core"} <= {line["logger"] for line in lines}
