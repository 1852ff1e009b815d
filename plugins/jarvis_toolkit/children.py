"""Child processes that survive signals to the server's terminal or process group, but not the server's end.

Ctrl-C, `timeout` and the closing of a terminal signal a whole group of processes. The server then drains,
needs its children until it is done, and ends them itself.
"""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

OF_THE_SERVER = {signal.SIGHUP, signal.SIGINT, signal.SIGTERM}
INTERVAL = 1.0
"""Seconds between two checks whether the parent still runs."""


@contextmanager
def shielded() -> Iterator[None]:
    """Shield the children that this thread starts in the block from signals until they call `detach`."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, OF_THE_SERVER)  # a child inherits it
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def detach(server: int) -> None:
    """Leave the session of the server, this process's parent, and end soon after it ends for any reason."""
    os.setsid()
    while signal.sigtimedwait(OF_THE_SERVER, 0):  # discard the signals held back so far
        pass
    signal.pthread_sigmask(signal.SIG_UNBLOCK, OF_THE_SERVER)
    threading.Thread(target=_end_with, args=(server,), name="end-with-parent", daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(INTERVAL)
    os.kill(os.getpid(), signal.SIGKILL)
