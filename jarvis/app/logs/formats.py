"""Turns a record into a line: JSON for machines, text for people."""

import json
import logging
import re
from datetime import UTC, datetime

import orjson
from pythonjsonlogger.core import RESERVED_ATTRS, LogData
from pythonjsonlogger.defaults import unknown_default
from pythonjsonlogger.orjson import OrjsonFormatter, orjson_default

# Characters that a terminal obeys, that break a line for some readers, or that change the direction of text.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_PLAIN = re.compile(r"[^\s\"'=]+")
_IDS = ("request_id", "trace_id")
_SHORT = 8
"""The number of characters of an id that people are shown."""
_STYLES = {"DEBUG": "dim", "WARNING": "yellow", "ERROR": "bold red", "CRITICAL": "bold red"}


class JSONFormatter(OrjsonFormatter):
    """Writes a JSON object per line: timestamp, level, logger, message, exception, stack and `extra` fields.

    A field of `extra` that has the name of one of ours gets an underscore at the end.
    """

    def __init__(self) -> None:
        ours = {"levelname": "level", "name": "logger", "exc_info": "exception", "stack_info": "stack"}
        super().__init__(
            ["levelname", "name", "message"],
            defaults={"timestamp": None},
            timestamp=True,
            rename_fields={**ours, **{name: f"{name}_" for name in ours.values()}},
        )

    def jsonify_log_record(self, log_data: LogData) -> str:
        """Encode the fields; those that are not JSON become text."""
        try:
            line = _dumps(log_data)
        except TypeError:
            line = _dumps({_text(key): _encodable(value) for key, value in log_data.items()})
        return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", line.decode())


class ConsoleFormatter(logging.Formatter):
    """Writes time, level, logger and message in columns, then the fields of `extra`, and an exception below.

    Args:
        colours: whether the level is coloured.
    """

    def __init__(self, *, colours: bool) -> None:
        super().__init__()
        self._levels = _coloured_levels() if colours else {}

    def format(self, record: logging.LogRecord) -> str:
        """Format a record so that nothing in it can begin a line, or reach the terminal as a command."""
        level = self._levels.get(record.levelname) or f"{record.levelname:<8}"
        time = datetime.fromtimestamp(record.created, UTC).astimezone()
        fields = [f"{key}={_shown(key, value)}" for key, value in record.__dict__.items() if key not in _OWN]
        text = _escape("  ".join([record.getMessage(), *([" ".join(fields)] if fields else [])]))
        line = f"{time:%Y-%m-%d %H:%M:%S}.{record.msecs:03.0f} {level} {_escape(record.name):<28} {text}"
        below = [self.formatException(record.exc_info)] if record.exc_info else []
        below += [record.stack_info] if record.stack_info else []
        return "\n    ".join([line, *(_escape(part) for text in below for part in text.split("\n"))])


_OWN = {*RESERVED_ATTRS, "taskName"}


def _coloured_levels() -> dict[str, str]:
    from rich.color import ColorSystem  # noqa: PLC0415 - slow to import, and only wanted on a terminal
    from rich.style import Style  # noqa: PLC0415

    return {
        level: Style.parse(style).render(f"{level:<8}", color_system=ColorSystem.STANDARD)
        for level, style in _STYLES.items()
    }


def _escape(text: str) -> str:
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def _shown(key: str, value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    text = unknown_default(value)
    if key in _IDS:
        text = text[:_SHORT]
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)


def _dumps(value: object) -> bytes:
    return orjson.dumps(value, default=orjson_default, option=orjson.OPT_NON_STR_KEYS)


def _encodable(value: object) -> object:
    try:
        return orjson.Fragment(_dumps(value))
    except TypeError:
        return _text(value)


def _text(value: object) -> str:
    return unknown_default(value).encode("utf-8", "backslashreplace").decode()
