"""The handler that runs in the thread that logs: it must be cheap, and never waits."""

import logging
from collections.abc import Callable, Mapping
from logging.handlers import QueueHandler
from queue import SimpleQueue
from threading import Event

from jarvis.app.logs.drops import Drops

Queue = SimpleQueue[logging.LogRecord | Event | None]
"""Records; events, which are set when everything before them is written; and None, which ends the writer."""


class BoundedQueueHandler(QueueHandler):
    """Puts records in a queue as they are; the writer formats them.

    Args:
        queue: the queue that the writer empties.
        size: records below ERROR are dropped while this many wait; errors are kept.
        drops: counts the dropped records.
        ids: returns what is known about the request that this thread or task works on.
    """

    queue: Queue

    def __init__(self, queue: Queue, size: int, drops: Drops, ids: Callable[[], Mapping[str, str]]) -> None:
        super().__init__(queue)
        self._size = size
        self._drops = drops
        self._ids = ids

    def handle(self, record: logging.LogRecord) -> bool:
        """Handle a record without a lock: the queue needs none."""
        for key, value in self._ids().items():
            record.__dict__.setdefault(key, value)
        self.emit(record)
        return True

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        """Return the record as it is: formatting it is the writer's work."""
        return record

    def enqueue(self, record: logging.LogRecord) -> None:
        """Put a record in the queue, or count it as dropped."""
        full = record.levelno < logging.ERROR and self.queue.qsize() >= self._size
        if full or self._drops.notifying:
            self._drops.add()
        else:
            self.queue.put(record)
