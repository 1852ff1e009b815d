"""The thread that formats records and writes them."""

import logging
import time
from copy import copy
from threading import Event, Thread

from jarvis.app.logs.drops import Drops
from jarvis.app.logs.handler import Queue
from jarvis.app.logs.sinks import Sink, complain

COMPLAIN_EVERY = 60.0
"""Seconds between two lines on standard error, while the log cannot be written."""
LOGGER = "jarvis.logs"
"""The logger's name in records that the log writes about itself."""


class Writer(Thread):
    """Writes what is in the queue, until None ends it.

    Args:
        queue: what to write.
        size: how many records it may hold.
        formatter: turns a record into a line.
        sink: takes the lines.
        drops: counts the records that could not be written; the log reports them once there is room again.
    """

    def __init__(
        self, queue: Queue, size: int, formatter: logging.Formatter, sink: Sink, drops: Drops
    ) -> None:
        super().__init__(name="log-writer", daemon=True)
        self._queue = queue
        self._room = size // 2
        self._formatter = formatter
        self._sink = sink
        self._drops = drops
        self._complained = -COMPLAIN_EVERY

    def run(self) -> None:
        """Write until None comes."""
        while (item := self._queue.get()) is not None:
            if isinstance(item, Event):
                item.set()
            elif not self._write(item):
                self._drops.add()
            elif self._drops.unreported and self._queue.qsize() <= self._room:
                self._report_drops()
        self._report_drops()

    def _report_drops(self) -> None:
        dropped = self._drops.unreported
        message = f"{dropped} log records were dropped"
        notice = logging.LogRecord(LOGGER, logging.WARNING, __file__, 0, message, None, None)
        if dropped and self._write(notice):
            self._drops.reported += dropped

    def _write(self, record: logging.LogRecord) -> bool:
        try:
            self._sink.write(self._line(record))
        except Exception as error:  # noqa: BLE001 - whatever it is, the next record may be written
            if (now := time.monotonic()) - self._complained >= COMPLAIN_EVERY:
                self._complained = now
                complain(f"the log cannot be written to {self._sink}: {error}")
            return False
        return True

    def _line(self, record: logging.LogRecord) -> bytes:
        try:
            line = self._formatter.format(record)
        except Exception as error:  # noqa: BLE001 - the caller's objects are formatted here
            line = self._formatter.format(_unformattable(record, error))
        return f"{line}\n".encode(errors="backslashreplace")


def _unformattable(record: logging.LogRecord, error: Exception) -> logging.LogRecord:
    """Return a record that reports one that cannot be formatted, with the place of the faulty call."""
    message = record.msg if isinstance(record.msg, str) else type(record.msg).__name__
    place = f"{record.pathname}:{record.lineno}"
    left = copy(record)
    left.msg = f"a log record cannot be formatted ({type(error).__name__} at {place}): {message}"
    left.args = None
    return left
