"""What an engine's processes log reaches the server's loggers; the processes here are none of vLLM's."""

import json
import logging
import os
import socket
import subprocess
import sys
import time

import pytest

from jarvis_adapters.vllm.engine_log import configure
from jarvis_adapters.vllm.failures import FailureLog
from jarvis_adapters.vllm_plugin import SERVER_PID

CONFIGURED = """
import json, logging, logging.config, os, sys, time, warnings
logging.config.dictConfig(json.load(open(sys.argv[1])))
vllm = logging.getLogger("vllm.v1.engine")
"""


@pytest.fixture
def log(tmp_path):
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.INFO)
    with FailureLog(tmp_path) as log:
        yield log
    root.setLevel(level)


@pytest.fixture
def engine(log):
    """Run a script in a process that has the engine's logging, and return its exit code and its pid."""

    def run(script):
        env = {**os.environ, SERVER_PID: str(os.getpid())}
        process = subprocess.Popen([sys.executable, "-c", CONFIGURED + script, str(log.config)], env=env)
        return process.wait(20), process.pid

    return run


@pytest.fixture
def arrived(caplog):
    """Wait for records, and return them."""

    def records(count):
        deadline = time.monotonic() + 10
        while len(caplog.records) < count and time.monotonic() < deadline:
            time.sleep(0.01)
        return caplog.records

    return records


def test_its_records_reach_the_loggers_of_their_names(engine, arrived):
    _, pid = engine(
        "vllm.debug('not wanted')\n"
        "vllm.info('loaded %d of %s', 2, 'it', extra={'gpu': 1})\n"
        "logging.getLogger('some_library').warning('old')\n"
        "warnings.warn('deprecated')"
    )

    records = arrived(3)
    assert [(r.name, r.levelname) for r in records] == [
        ("vllm.v1.engine", "INFO"),
        ("some_library", "WARNING"),
        ("py.warnings", "WARNING"),
    ]
    first = records[0]
    assert (first.getMessage(), first.gpu, first.pid) == ("loaded 2 of it", 1, pid)
    assert first.process_name == "MainProcess"
    assert "deprecated" in records[2].getMessage()


def test_what_it_prints_is_logged_whoever_prints_it(engine, arrived):
    _, pid = engine(
        "print('to stdout')\n"
        "time.sleep(0.05)\n"
        "os.write(2, b'[W] from C++ \\xff\\n')\n"
        "os.write(2, b'  0%\\r 50%\\r100%\\n')\n"
        "os.write(2, b'  0%\\r 50%|# terminate called\\n')\n"
        "os.write(1, b'cut short')"
    )

    records = arrived(5)
    printed = ["to stdout", "[W] from C++ \\xff", "100%", " 50%|# terminate called", "cut short"]
    assert [r.getMessage() for r in records] == printed
    assert {(r.name, r.pid) for r in records} == {("vllm.output", pid)}
    assert [r.levelname for r in records] == [
        "WARNING",
        "WARNING",
        "INFO",
        "WARNING",
        "WARNING",
    ]  # INFO: a progress bar


def test_an_error_is_known_even_where_the_process_dies_at_once(engine, arrived, log):
    code, _ = engine(
        "try: raise ValueError('too small')\n"
        "except ValueError: vllm.exception('EngineCore failed to start.')\n"
        "os.kill(os.getpid(), 9)"
    )

    assert code == -9
    assert log.root_cause() == "ValueError: too small"
    (record,) = arrived(1)
    assert record.getMessage() == "EngineCore failed to start."
    assert record.exc_text.endswith("ValueError: too small")
    log.clear()
    assert log.root_cause() == ""


def test_an_error_of_another_library_is_no_root_cause(engine, arrived, log):
    engine(
        "try: raise ValueError('retried')\n"
        "except ValueError: logging.getLogger('httpx').exception('it failed')"
    )

    arrived(1)
    assert log.root_cause() == ""


def test_it_goes_on_where_the_server_no_longer_listens(tmp_path):
    log = FailureLog(tmp_path)
    env = {**os.environ, SERVER_PID: "1"}
    script = (
        CONFIGURED
        + "for n in range(2000): vllm.error('error %d', n); print(n)\nos.write(2, b'still here\\n')"
    )
    left = subprocess.run(
        [sys.executable, "-c", script, str(log.config)],
        env=env, capture_output=True, text=True, timeout=20, check=True,
    )  # fmt: skip

    assert left.stderr == "still here\n"
    assert "error 1999" in (tmp_path / "failures.log").read_text()


def test_it_goes_on_where_the_server_stops_listening(log, tmp_path):
    script = CONFIGURED + "print('up'); sys.stdin.read()\nfor n in range(2000): vllm.info('n'); print(n)"
    env = {**os.environ, SERVER_PID: str(os.getpid())}
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(log.config)], env=env, stdin=subprocess.PIPE
    )
    while not log._receiver._begun:
        time.sleep(0.01)
    log._receiver.close()
    process.communicate(b"", timeout=20)

    assert process.returncode in {0, 1, 120}, "it ends, if only because it cannot print"


def test_half_a_record_is_shown_and_harms_nobody(log, engine, arrived, tmp_path):
    with socket.socket(socket.AF_UNIX) as killed:
        killed.connect(str(tmp_path / "log.sock"))
        killed.sendall(b'\x1e{"name": "vllm", "msg": "cut')
    arrived(1)
    engine("vllm.info('whole')")

    assert [r.getMessage() for r in arrived(2)] == ['\x1e{"name": "vllm", "msg": "cut', "whole"]


def test_all_that_was_sent_is_logged_before_it_is_closed(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    with FailureLog(tmp_path), socket.socket(socket.AF_UNIX) as sender:
        sender.connect(str(tmp_path / "log.sock"))
        lines = [json.dumps({"name": "vllm", "levelno": 20, "msg": f"{n}"}) for n in range(500)]
        sender.sendall(b"".join(b"\x1e" + line.encode() + b"\n" for line in lines))

    assert [r.getMessage() for r in caplog.records] == [str(n) for n in range(500)]


def test_a_level_that_the_server_does_not_want_is_left_out(engine, arrived):
    logging.getLogger("vllm.v1.engine").setLevel(logging.ERROR)
    try:
        engine("vllm.info('unwanted')\nvllm.error('wanted')")
        (record,) = arrived(1)
    finally:
        logging.getLogger("vllm.v1.engine").setLevel(logging.NOTSET)
    assert record.getMessage() == "wanted"


def test_the_servers_own_logging_is_left_as_it_is(monkeypatch, tmp_path):
    class VLLMFactory:
        _factory = logging.LogRecord

    root, before = logging.getLogger(), logging.getLogRecordFactory()
    handlers = root.handlers[:]
    logging.setLogRecordFactory(VLLMFactory())
    try:
        monkeypatch.setenv(SERVER_PID, str(os.getpid()))
        handler = configure(str(tmp_path / "s"), str(tmp_path / "f"), logging.INFO)
        assert logging.getLogRecordFactory() is logging.LogRecord, "vLLM's adds a field to all records"
        logging.getLogger("vllm").error("it failed", exc_info=ValueError("of whichever engine"))
    finally:
        logging.setLogRecordFactory(before)
    assert isinstance(handler, logging.NullHandler)
    assert root.handlers == handlers
    assert list(tmp_path.iterdir()) == [], "it is the root cause of no engine's failure"
