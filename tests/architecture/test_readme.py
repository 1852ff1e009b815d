"""What the README tells a newcomer to type works."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf import json_format

from jarvis.client import BlockingClient, CannotConnect
from jarvis.v1 import generation_pb2

README = (Path(__file__).parents[2] / "README.md").read_text()
QUESTION = "What is the capital of France?"


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """A server with the stand-in, as a process of its own."""
    address = f"unix:{tmp_path}/jarvis.sock"
    sets = [
        f'server.listen=["{address}"]',
        'http.listen=""',
        'models={echo={adapter="echo"}}',
        "embedder.adapter=none",
        "store.adapter=none",
    ]
    jarvis = Path(sys.executable).with_name("jarvis")
    options = [part for pair in sets for part in ("--set", pair)]
    with subprocess.Popen([jarvis, "serve", *options], cwd=tmp_path) as server:
        try:
            wait_for(address)
            yield address
        finally:
            server.kill()


def wait_for(address: str) -> None:
    deadline = time.monotonic() + 30
    with BlockingClient(address) as client:
        while True:
            try:
                if client.health() == "SERVING":
                    return
            except CannotConnect:
                assert time.monotonic() < deadline
            time.sleep(0.1)


def test_the_first_client_prints_an_answer(address: str) -> None:
    program = next(
        block for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "asyncio.run" in block
    )
    assert "127.0.0.1:50051" in program
    program = program.replace("127.0.0.1:50051", address)
    ran = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert ran.stdout == QUESTION


def test_what_grpcurl_sends_is_a_request() -> None:
    (body,) = re.findall(r"-d '(.*?)'", README)
    request = json_format.Parse(body, generation_pb2.GenerateStreamRequest())
    assert [message.content for message in request.messages] == [QUESTION]
