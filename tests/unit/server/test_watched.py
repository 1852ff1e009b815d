"""Files are read again when they have changed, and no more often."""

import pytest

from jarvis.watched import Watched


class Number:
    """Reads a number from a file, and counts how often."""

    def __init__(self, file):
        self.file = file
        self.reads = 0

    def __call__(self):
        self.reads += 1
        return int(self.file.read_text())


@pytest.fixture
def number(tmp_path):
    made = Number(tmp_path / "number")
    made.file.write_text("1")
    return made


def test_a_file_of_no_use_is_read_once_and_what_was_read_before_stays_in_force(number, caplog):
    watched = Watched([number.file], number)
    number.file.write_text("many")
    assert [watched.current() for _ in range(3)] == [1, 1, 1]
    assert number.reads == 2
    assert len(caplog.records) == 1
    number.file.write_text("22")
    assert [watched.current() for _ in range(3)] == [22, 22, 22]
    assert number.reads == 3


def test_a_file_that_cannot_be_read_is_tried_again(number):
    watched = Watched([number.file], number)
    kept = number.file.rename(number.file.with_name("kept"))
    assert [watched.current() for _ in range(3)] == [1, 1, 1]
    assert number.reads == 4
    kept.write_text("22")
    kept.rename(number.file)
    assert watched.current() == 22
