"""A Chroma server, in a process of its own."""

import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed


class ChromaServer:
    """Keeps its folder and its port when it is stopped and started again."""

    def __init__(self, folder):
        self.folder = folder
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.process = None

    def start(self):
        program = Path(sys.executable).with_name("chroma")
        command = [program, "run", "--path", self.folder, "--port", str(self.port)]
        with (self.folder / "log").open("a") as log:  # on a pipe that nobody reads, it hangs
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        for attempt in Retrying(
            retry=retry_if_exception_type(httpx.TransportError),
            stop=stop_after_delay(30),
            wait=wait_fixed(0.05),
        ):
            with attempt:
                httpx.get(f"http://127.0.0.1:{self.port}/api/v2/heartbeat", timeout=1)

    def kill(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="class")
def chroma_server(tmp_path_factory):
    server = ChromaServer(tmp_path_factory.mktemp("chroma-server"))
    server.start()
    yield server
    server.kill()
