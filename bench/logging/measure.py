"""Measures how long a call of a logger keeps its caller, by where the log goes."""

import logging
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from unittest import mock

import numpy as np

from jarvis.app.config import LogConfig
from jarvis.app.logs import running
from jarvis.app.logs.formats import JSONFormatter
from jarvis.app.logs.sinks import RotatingFile

SLOW_WRITE = 0.0005
"""Seconds that a write takes on the slow disk."""
STALL = 1.0
"""Seconds that the slow disk's longest write takes, once per round."""
STALL_AT = 500
"""The number of the write that stalls, from 1."""

IDS = {"request_id": "0198c0de-7a5e-7000-8000-000000000000", "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736"}
EVENT = {
    "method": "GenerationService/GenerateStream",
    "model": "tiny",
    "code": "OK",
    "prompt_tokens": 412,
    "cached_tokens": 128,
    "completion_tokens": 256,
    "queue_seconds": 0.0012,
    "time_to_first_token_seconds": 0.043,
    "total_seconds": 1.734,
}
"""The fields of the event that is logged, which are those of the server's event of a request."""

Side = Callable[[Path], AbstractContextManager[object]]
logger = logging.getLogger("bench.logging")


@dataclass(frozen=True)
class Times:
    """Microseconds per call, and the number of dropped records."""

    median: float
    p99: float
    most: float
    dropped: int

    def row(self, side: str, disk: str) -> str:
        times = f"{self.median:,.1f} | {self.p99:,.1f} | {self.most:,.0f}"
        return f"| {side} | {disk} | {times} | {self.dropped:,} |"


@contextmanager
def ours(folder: Path) -> Iterator[object]:
    """Run the server's log: a queue, and a thread that writes."""
    with running(LogConfig(format="json", file=str(folder / "log")), ids=lambda: IDS) as log:
        yield log


@contextmanager
def plain(folder: Path) -> Iterator[None]:
    """Log with the standard library's handler, which writes at once, and the same formatter."""

    def identify(record: logging.LogRecord) -> bool:
        record.__dict__.update(IDS)
        return True

    handler = logging.FileHandler(folder / "log")
    handler.setFormatter(JSONFormatter())
    handler.addFilter(identify)
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()


@contextmanager
def slow_disk() -> Iterator[None]:
    """Make each write take half a millisecond, and one of them a second."""
    write, flush, writes = RotatingFile.write, logging.FileHandler.flush, count(1)

    def wait() -> None:
        time.sleep(STALL if next(writes) == STALL_AT else SLOW_WRITE)

    def slow_write(self: RotatingFile, line: bytes) -> None:
        wait()
        write(self, line)

    def slow_flush(self: logging.FileHandler) -> None:
        wait()
        flush(self)

    with (
        mock.patch.object(RotatingFile, "write", slow_write),
        mock.patch.object(logging.FileHandler, "flush", slow_flush),
    ):
        yield


def measure(side: Side, calls: int, work: float) -> Times:
    """Time one call after another, with `work` seconds of work between them, in a folder of their own."""
    logger.setLevel(logging.INFO)
    times = []
    with tempfile.TemporaryDirectory() as folder:
        with side(Path(folder)) as log:
            for _ in range(calls):
                started = time.perf_counter()
                logger.info("call", extra=EVENT)
                ended = time.perf_counter()
                times.append(1e6 * (ended - started))
                while time.perf_counter() < ended + work:
                    pass
        dropped = getattr(log, "dropped", 0)
    median, p99, most = np.percentile(times, [50, 99, 100])
    return Times(float(median), float(p99), float(most), dropped)
