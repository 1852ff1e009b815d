import contextvars
import logging
import os
import pty
import re
import subprocess
import sys
import threading

import pytest

from jarvis.app.config import ConfigError, LogConfig
from jarvis.app.logs import running

pytestmark = pytest.mark.slow

logger = logging.getLogger("jarvis.test")


def test_a_line_says_when_how_bad_who_and_what(to_file, written):
    with to_file():
        logger.info("%d of %d", 1, 2, extra={"model": "tiny", "tokens": 3})

    (line,) = written()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00", line.pop("timestamp"))
    assert line == {
        "level": "INFO", "logger": "jarvis.test", "message": "1 of 2", "model": "tiny", "tokens": 3,
    }  # fmt: skip


def test_what_is_less_severe_than_the_level_is_not_written(to_file, written):
    with to_file(level="warning"):
        logger.info("no")
        logger.warning("yes")

    assert [line["message"] for line in written()] == ["yes"]


def test_a_logger_with_a_level_of_its_own_is_no_exception(to_file, written):
    theirs = logging.getLogger("jarvis.test.theirs")
    theirs.setLevel("DEBUG")
    with to_file(level="error"):
        theirs.warning("no")
        theirs.error("yes")

    assert [line["message"] for line in written()] == ["yes"]


def test_ids_are_those_of_the_caller_whenever_the_line_is_written(gate, to_file):
    request = contextvars.ContextVar("request", default="none")
    with to_file(ids=lambda: {"request_id": request.get()}):
        logger.info("before")
        gate.hanging.wait()
        for name in ("a", "b"):
            contextvars.copy_context().run(lambda name=name: (request.set(name), logger.info("in it")))
        logger.info("told", extra={"request_id": "c"})
        gate.open.set()

    assert [line["request_id"] for line in gate.lines] == ["none", "a", "b", "c"]


def test_two_threads_write_whole_lines_in_their_order(to_file, written):
    def log(name):
        for n in range(1000):
            logger.info("%d", n, extra={"by": name})

    with to_file():
        threads = [threading.Thread(target=log, args=(name,)) for name in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    for name in "ab":
        assert [line["message"] for line in written() if line["by"] == name] == [str(n) for n in range(1000)]


def test_all_that_waits_is_written_at_the_end(gate, to_file):
    with to_file(queue_size=50_000):
        logger.info("0")
        gate.hanging.wait()
        for n in range(1, 50_000):
            logger.info("%d", n)
        assert gate.lines == []
        threading.Timer(0.1, gate.open.set).start()

    assert gate.messages == [str(n) for n in range(50_000)]
    assert gate.closed


def test_an_end_that_cannot_be_written_is_told_and_not_waited_for(gate, to_file, monkeypatch, capfd):
    monkeypatch.setattr("jarvis.app.logs.log.END_SECONDS", 0.1)
    with to_file():
        for _ in range(3):
            logger.info("lost")
        gate.hanging.wait()

    assert capfd.readouterr().err == "jarvis: 3 log records were not written: the gate does not take them\n"
    assert not gate.closed, "it is in use"


def test_flush_waits_until_what_was_logged_is_written(gate, to_file):
    with to_file() as log:
        logger.info("first")
        assert not log.flush(0.05)
        gate.open.set()
        assert log.flush(10)
        assert gate.messages == ["first"]


def test_a_record_that_cannot_be_formatted_is_told_and_the_next_is_written(to_file, written, monkeypatch):
    class Broken:
        def __str__(self):
            raise RuntimeError

    with monkeypatch.context() as alone, to_file(ids=lambda: {"request_id": "r"}) as log:
        ours = [handler for handler in logging.getLogger().handlers if "jarvis" in type(handler).__module__]
        alone.setattr(logging.getLogger(), "handlers", ours)  # pytest's would raise it
        logger.info("%d tokens", "many")
        logger.info("a %s", Broken())
        logger.info("fine", extra={"broken": Broken()})
        assert log.flush(10)
        assert log.dropped == 0

    many, broken, fine = written()
    assert re.fullmatch(
        r"a log record cannot be formatted \(TypeError at .*\.py:\d+\): %d tokens", many["message"]
    )
    assert many["request_id"] == "r"
    assert broken["message"].endswith("a %s")
    assert fine["message"] == "fine"


def test_an_exception_is_one_field(to_file, written):
    with to_file():
        try:
            raise ValueError("a\nb")
        except ValueError:
            logger.exception("it failed")

    (line,) = written()
    assert line["exception"].startswith("Traceback (most recent call last):\n")
    assert line["exception"].endswith("ValueError: a\nb")


def test_the_root_logger_is_left_as_it_was(to_file):
    root = logging.getLogger()
    before = root.level, root.handlers[:], logging.getLoggerClass(), threading.excepthook, sys.unraisablehook
    with pytest.raises(KeyboardInterrupt), to_file(level="debug"):
        raise KeyboardInterrupt

    assert before == (
        root.level, root.handlers, logging.getLoggerClass(), threading.excepthook, sys.unraisablehook,
    )  # fmt: skip
    assert "log-writer" not in [thread.name for thread in threading.enumerate()]


def test_without_a_standard_error_a_file_has_to_be_named(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    with pytest.raises(ConfigError, match=r"log\.file: .*; name a file"), running(LogConfig()):
        pass


@pytest.mark.parametrize(
    ("settings", "first"),
    [("format='console'", "2"), ("format='json'", "{"), ("", "{")],
    ids=["console", "json", "auto, into a pipe"],
)
def test_standard_error_takes_the_lines_by_default(settings, first):
    script = (
        "import logging; from jarvis.app import logs; from jarvis.app.config import LogConfig\n"
        f"with logs.running(LogConfig({settings})): logging.warning('told')"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=20, check=True
    )

    assert ran.stderr.startswith(first)
    assert ran.stderr.count("\n") == 1
    assert "told" in ran.stderr


@pytest.mark.parametrize(("more", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_a_terminal_gets_columns_in_colours_unless_they_are_unwanted(more, coloured):
    script = (
        "import logging; from jarvis.app import logs; from jarvis.app.config import LogConfig\n"
        "with logs.running(LogConfig()): logging.warning('told')"
    )
    terminal, theirs = pty.openpty()
    env = {"TERM": "xterm", "PATH": os.environ["PATH"], **more}
    subprocess.run([sys.executable, "-c", script], stderr=theirs, env=env, timeout=20, check=True)
    shown = os.read(terminal, 1000).decode()
    os.close(theirs)
    os.close(terminal)

    assert shown.startswith("2")
    assert "told" in shown
    assert ("\x1b[33mWARNING" in shown) is coloured


@pytest.mark.parametrize("file", ["", "pipe"])
def test_a_process_ends_though_its_log_hangs(tmp_path, file):
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDWR)  # and never read
    file = str(tmp_path / file) if file else ""
    script = (
        "import logging, sys; from jarvis.app import logs; from jarvis.app.config import LogConfig\n"
        "sys.modules['jarvis.app.logs.log'].END_SECONDS = 0.1\n"
        f"with logs.running(LogConfig(file={file!r})):\n    for n in range(20_000): logging.error('%d', n)\n"
        "print('ended')"
    )
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", script], text=True, **pipes) as process:
        assert process.wait(20) == 0, "although nobody reads its standard error"
        assert process.stdout.read() == "ended\n"
    os.close(reader)
