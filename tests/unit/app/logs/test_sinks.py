"""Disks that are full, files that cannot be written, files that have grown."""

import json
import logging
import logging.config
import os
import select
from pathlib import Path

import pytest

from jarvis.app.config import ConfigError, LogConfig
from jarvis.app.logs.sinks import RotatingFile, check_file

logger = logging.getLogger("jarvis.test")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("missing/log", "No such file or directory"),
        (".", "Is a directory"),
        ("x" * 300, "File name too long"),
    ],
)
def test_a_file_that_cannot_be_opened_is_told_at_the_start(to_file, tmp_path, name, why):
    wanted = rf"log\.file: .* cannot be written: {why}; make its folder, let this user write there, or name"
    with pytest.raises(ConfigError, match=wanted), to_file(file=str(tmp_path / name)):
        pass
    with pytest.raises(ConfigError, match=wanted):
        check_file(LogConfig(file=str(tmp_path / name)))


def test_a_file_that_can_be_written_is_checked_and_not_made(tmp_path):
    for file in ("", str(tmp_path / "log"), "/dev/full"):
        check_file(LogConfig(file=file))
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_told_once_and_its_records_are_counted(to_file, capfd):
    dropped = []
    with to_file(file="/dev/full", on_drop=lambda: dropped.append(1)) as log:
        for _ in range(100):
            logger.error("lost")
        assert log.flush(10)
        assert (log.dropped, len(dropped)) == (100, 100)

    said = capfd.readouterr().err
    assert said == "jarvis: the log cannot be written to /dev/full: [Errno 28] No space left on device\n"


def test_it_goes_on_when_there_is_room_again(gate, to_file, capfd):
    gate.open.set()
    with to_file() as log:
        gate.error = OSError(28, "No space left on device")
        logger.info("lost")
        assert log.flush(10)
        gate.error = None
        logger.info("written")

    assert gate.messages == ["written", "1 log records were dropped"]
    assert capfd.readouterr().err.count("\n") == 1


def test_a_line_that_did_not_fit_is_taken_away(tmp_path, monkeypatch):
    sink = RotatingFile(tmp_path / "log", 0, 1)
    sink.write(b"whole\n")
    write, left = os.write, [3]

    def almost_full(descriptor, data):
        room, left[0] = left[0], 0
        if not room:
            raise OSError(28, "No space left on device")
        return write(descriptor, data[:room])

    monkeypatch.setattr(os, "write", almost_full)
    with pytest.raises(OSError, match="No space left"):
        sink.write(b"too long\n")
    monkeypatch.undo()
    sink.write(b"after\n")
    sink.close()

    assert (tmp_path / "log").read_bytes() == b"whole\nafter\n"


def test_a_file_is_renamed_before_it_is_too_large(to_file, tmp_path):
    with to_file(max_file_bytes=1000, backup_files=2):
        for n in range(100):
            logger.info("é%d", n)

    files = [tmp_path / name for name in ("log.2", "log.1", "log")]
    assert sorted(tmp_path.iterdir()) == sorted(files)
    lines = [line for file in files for line in file.read_text().split("\n")[:-1]]
    assert [json.loads(line)["message"] for line in lines] == [f"é{n}" for n in range(100 - len(lines), 100)]
    assert all(file.stat().st_size <= 1000 for file in files)


def test_a_file_goes_on_where_it_ended(to_file, written):
    for n in range(2):
        with to_file():
            logger.info("%d", n)

    assert [line["message"] for line in written()] == ["0", "1"]


def test_a_file_that_cannot_be_renamed_grows_on(to_file, written, monkeypatch, capfd):
    def forbidden(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", forbidden)
    with to_file(max_file_bytes=200):
        for n in range(10):
            logger.info("%d", n)

    assert [line["message"] for line in written()] == [str(n) for n in range(10)]
    assert capfd.readouterr().err.count("cannot be renamed and grows on") == 1


def test_older_files_stay_where_no_new_one_can_be_begun(to_file, tmp_path, monkeypatch, capfd):
    (tmp_path / "log.1").write_text("old\n")
    made, opened = os.open, []

    def full(path, *args):
        if str(path).endswith("/log") and opened:
            raise OSError(28, "No space left on device")
        opened.append(path)
        return made(path, *args)

    monkeypatch.setattr(os, "open", full)
    with to_file(max_file_bytes=200, backup_files=2):
        for n in range(10):
            logger.info("%d", n)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["log.1", "log.2"]
    assert (tmp_path / "log.2").read_text() == "old\n"
    assert (tmp_path / "log.1").read_bytes().count(b"\n") == 10
    assert capfd.readouterr().err.count("No space left on device") == 1


def test_whoever_closes_all_handlers_does_not_close_it(to_file, written):
    with to_file() as log:
        logger.info("before")
        assert log.flush(10)
        logging.config.dictConfig({"version": 1, "disable_existing_loggers": False})
        logger.info("after")
        assert log.flush(10)

    assert [line["message"] for line in written()] == ["before", "after"]


def test_a_pipe_is_not_renamed(to_file, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDWR)
    with to_file(file=str(tmp_path / "pipe"), max_file_bytes=10):
        logger.info("first")
        logger.info("second")

    assert os.read(reader, 2**16).count(b"\n") == 2
    os.close(reader)
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]


def test_a_descriptor_that_does_not_block_is_waited_for(monkeypatch):
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    taken = bytearray()
    sink = RotatingFile(Path(f"/dev/fd/{writer}"), 0, 1)
    os.set_blocking(sink._descriptor, False)

    wait = select.select

    def drained(*wanted):
        taken.extend(os.read(reader, 2**20))
        return wait(*wanted)

    monkeypatch.setattr(select, "select", drained)
    sink.write(b"x" * 300_000)
    sink.close()
    os.close(writer)
    while more := os.read(reader, 2**20):
        taken.extend(more)
    os.close(reader)

    assert len(taken) == 300_000
