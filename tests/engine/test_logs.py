"""One log file for the server, vLLM in it, and vLLM's own processes."""

import pytest

from tests.engine.support import START, TOO_EARLY, read

pytestmark = pytest.mark.engine


async def test_a_file_takes_it_all_and_is_renamed_when_it_is_full(serve, connect, tiny, tmp_path):
    sets = [f'log.file="{tmp_path}/jarvis.log"', "log.max_file_bytes=4096", "log.backup_files=50"]
    async with serve(tmp_path, *tiny, *sets) as server, connect(server.address) as peer:
        await peer.serving(START)

    assert server.log.read_text().replace(f"{TOO_EARLY}\n", "") == ""
    files = list(tmp_path.glob("jarvis.log*"))
    lines = [line for file in files for line in read(file)]
    assert len(files) > 2
    assert {"jarvis.server.lifecycle", "vllm.v1.engine.core"} <= {line["logger"] for line in lines}
