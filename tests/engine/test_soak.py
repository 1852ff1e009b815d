"""The soak: nothing fails, and nothing grows, in an hour or in $SOAK_S seconds."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

SECONDS = int(os.environ.get("SOAK_S", "3600"))

pytestmark = [pytest.mark.engine, pytest.mark.long, pytest.mark.timeout(max(SECONDS, 2700) + 900)]


async def test_nothing_fails_and_nothing_grows(process_tree):
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.soak", "--seconds", str(SECONDS)),
        cwd=Path(__file__).parents[2],
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with process_tree(process):
        output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
