import json
import logging
import threading

import pytest

from jarvis.app.config import LogConfig
from jarvis.app.logs import running as start


class Gated:
    """A sink that hangs until it is opened, and fails where it is told to."""

    def __init__(self):
        self.open = threading.Event()
        self.hanging = threading.Event()
        self.error = None
        self.lines = []
        self.closed = False

    def write(self, line):
        if not self.open.is_set():
            self.hanging.set()
            self.open.wait()
        if self.error:
            raise self.error
        self.lines.append(json.loads(line))

    def __str__(self):
        return "the gate"

    def close(self):
        self.closed = True

    @property
    def messages(self):
        return [line["message"] for line in self.lines]


@pytest.fixture(autouse=True)
def plain_records():
    """Records as Python makes them: vLLM, where another test has imported it, adds to each."""
    factory = logging.getLogRecordFactory()
    logging.setLogRecordFactory(logging.LogRecord)
    yield
    logging.setLogRecordFactory(factory)


@pytest.fixture
def gate(monkeypatch):
    gate = Gated()
    monkeypatch.setattr("jarvis.app.logs.log.open_sink", lambda config: gate)
    yield gate
    gate.open.set()


@pytest.fixture
def to_file(tmp_path):
    """Start a log in JSON to a file."""

    def begin(**more):
        ids = {key: more.pop(key) for key in ("ids", "on_drop") if key in more}
        return start(LogConfig(**{"format": "json", "file": str(tmp_path / "log"), **more}), **ids)

    return begin


@pytest.fixture
def written(tmp_path):
    """Read what was logged to the file."""

    def lines():
        return [json.loads(line) for line in (tmp_path / "log").read_bytes().split(b"\n")[:-1]]

    return lines
