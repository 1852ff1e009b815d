"""Whatever is logged, JSON stays JSON, and a line stays a line."""

import datetime as dt
import enum
import json
import logging
import sys

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jarvis.app.logs.formats import ConsoleFormatter, JSONFormatter

pytestmark = pytest.mark.slow


class Colour(enum.Enum):
    RED = "red"


class Hidden:
    def __str__(self):
        raise RuntimeError

    __repr__ = __str__


def record(message="told", extra=None, level=logging.INFO, exc_info=None, stack=None):
    made = logging.LogRecord("jarvis.test", level, "a.py", 1, message, None, exc_info, sinfo=stack)
    made.__dict__.update(extra or {})
    return made


def fields(**extra):
    return orjson.loads(JSONFormatter().format(record(extra=extra)))


def console(*args, **more):
    return ConsoleFormatter(colours=False).format(record(*args, **more))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (b"\x00\xff", "AP8="),
        (Colour.RED, "red"),
        (Colour, ["red"]),
        (float("nan"), None),
        (float("inf"), None),
        (2**70, str(2**70)),
        ("\ud800x", "\\ud800x"),
        ({"\ud800": 1}, "{'\\ud800': 1}"),
        ({1: (2, 3)}, {"1": [2, 3]}),
        (ValueError("no"), "ValueError: no"),
        (dt.timedelta(seconds=2), "0:00:02"),
        (Hidden(), "__could_not_encode__"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_not_json_becomes_json(value, shown):
    assert fields(value=value, model="tiny")["value"] == shown
    assert fields(value=value, model="tiny")["model"] == "tiny"


def test_a_ring_becomes_text():
    ring = []
    ring.append(ring)

    assert fields(ring=ring)["ring"] == "[[...]]"


def test_a_field_cannot_pass_for_one_of_ours():
    line = fields(level="CRITICAL", logger="root", timestamp="never")

    assert (line["level"], line["logger"]) == ("INFO", "jarvis.test")
    assert line["timestamp"] != "never"
    assert (line["level_"], line["logger_"]) == ("CRITICAL", "root")


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()) | st.integers(), inner),
    max_leaves=10,
)


@given(st.text(st.characters()), st.dictionaries(st.text(st.characters(), min_size=1), ANYTHING))
def test_a_line_is_json_whatever_is_in_it(message, extra):
    line = JSONFormatter().format(record(message, {f"x{key}": value for key, value in extra.items()}))

    assert len(line.splitlines()) == 1
    assert orjson.loads(line.encode())["level"] == "INFO"
    assert json.loads(line)["message"] == message.encode(errors="backslashreplace").decode()


@given(st.text(st.characters()), st.dictionaries(st.text(st.characters(), min_size=1), ANYTHING))
def test_a_line_for_people_stays_one(message, extra):
    line = console(message, {f"x{key}": value for key, value in extra.items()})

    assert len(line.splitlines()) == 1
    assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in line)


def test_people_see_columns_and_then_the_fields():
    extra = {"request_id": "0123456789abcdef", "seconds": 0.123456789, "model": "a b", "code": "OK"}
    first, second = console(extra=extra), console("more", level=logging.WARNING)

    assert first.endswith('told  request_id=01234567 seconds=0.123457 model="a b" code=OK')
    assert first.index("told") == second.index("more")
    assert first[24:].startswith("INFO     jarvis.test")


def test_a_message_cannot_forge_a_line_or_command_the_terminal():
    line = console("x\n2026-01-01 INFO root: forged\x1b[2J\x9b2J\u202e", {"a": "b c\nd"})

    assert "x\\n2026-01-01 INFO root: forged\\x1b[2J\\x9b2J\\u202e" in line
    assert "\n" not in line


def test_an_exception_stands_below_and_cannot_forge_a_line_either():
    try:
        raise ValueError("a\n2026-01-01 forged\x1b[2J")
    except ValueError:
        line = console(exc_info=sys.exc_info(), stack="Stack:\n  here")
    below = line.split("\n")[1:]

    assert below[0] == "    Traceback (most recent call last):"
    assert "    2026-01-01 forged\\x1b[2J" in below
    assert below[-2:] == ["    Stack:", "      here"]
    assert all(part.startswith("    ") for part in below)


def test_a_terminal_has_coloured_levels_and_the_same_columns():
    plain, coloured = (
        ConsoleFormatter(colours=colours).format(record(level=logging.ERROR)) for colours in (False, True)
    )

    assert "\x1b[1;31mERROR   \x1b[0m" in coloured
    assert coloured.replace("\x1b[1;31m", "").replace("\x1b[0m", "")[24:] == plain[24:]
