"""Starts the log, and ends it when everything is written."""

import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from queue import SimpleQueue
from threading import Event

from jarvis.app.config import LogConfig
from jarvis.app.logs.capture import captured
from jarvis.app.logs.drops import Drops
from jarvis.app.logs.formats import ConsoleFormatter, JSONFormatter
from jarvis.app.logs.handler import BoundedQueueHandler, Queue
from jarvis.app.logs.sinks import complain, open_sink
from jarvis.app.logs.writer import Writer

END_SECONDS = 5.0
"""Seconds to wait for the last records to be written."""


class Log:
    """The running log."""

    def __init__(self, queue: Queue, drops: Drops) -> None:
        self._queue = queue
        self._drops = drops

    @property
    def dropped(self) -> int:
        """How many records found the queue full, or could not be written."""
        return self._drops.total

    def flush(self, timeout: float) -> bool:
        """Wait until all that was logged before is written; return False after `timeout` seconds."""
        written = Event()
        self._queue.put(written)
        return written.wait(timeout)


def _none() -> Mapping[str, str]:
    return {}


@contextmanager
def running(
    config: LogConfig,
    *,
    ids: Callable[[], Mapping[str, str]] = _none,
    on_drop: Callable[[], object] = lambda: None,
) -> Iterator[Log]:
    """Write what the root logger gets to the place that the configuration names, until the context is left.

    Leaving the context waits until everything is written, but at most 5 seconds.

    Args:
        config: level, format, place.
        ids: called in the thread that logs, for each record; returns fields for it, such as `request_id`.
        on_drop: called for each record that is dropped.

    Raises:
        ConfigError: there is nothing to write to.
    """
    sink = open_sink(config)
    queue: Queue = SimpleQueue()
    drops = Drops(on_drop)
    writer = Writer(queue, config.queue_size, _formatter(config), sink, drops)
    handler = BoundedQueueHandler(queue, config.queue_size, drops, ids)
    root = logging.getLogger()
    level = root.level
    writer.start()
    try:
        with captured():
            handler.setLevel(config.level.upper())  # for loggers with levels of their own, such as torch's
            root.addHandler(handler)
            root.setLevel(config.level.upper())
            try:
                yield Log(queue, drops)
            finally:
                root.setLevel(level)
                root.removeHandler(handler)
    finally:
        queue.put(None)
        writer.join(END_SECONDS)
        if writer.is_alive():
            complain(f"{queue.qsize()} log records were not written: {sink} does not take them")
        else:
            sink.close()


def _formatter(config: LogConfig) -> logging.Formatter:
    terminal = not config.file and sys.stderr.isatty()
    if config.format == "json" or (config.format == "auto" and not terminal):
        return JSONFormatter()
    return ConsoleFormatter(colours=terminal and _has_colours())


def _has_colours() -> bool:
    from rich.console import Console  # noqa: PLC0415 - slow to import, and only wanted on a terminal

    console = Console(stderr=True)
    return console.color_system is not None and not console.no_color
