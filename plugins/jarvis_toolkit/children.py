"""Processes of the server's own: they outlive what is sent to its terminal or group, and do not outlive it.

Ctrl-C, `timeout`, and a terminal that is closed signal a whole group of processes. The server drains then,
needs its children until that is done, and ends them itself.
"""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

OF_THE_SERVER = {signal.SIGHUP, signal.SIGINT, signal.SIGTERM}
INTERVAL = 1.0
"""Seconds between two looks at the parent."""


@contextmanager
def shielded() -> Iterator[None]:
    """Keep signals from the children that this thread starts meanwhile, until they call `detach`."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, OF_THE_SERVER)  # a child inherits it
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def detach(server: int) -> None:
    """Leave the session of the server, this process's parent, and end soon after it, however that ended."""
    os.setsid()
    while signal.sigtimedwait(OF_THE_SERVER, 0):  # what was kept from it
        pass
    signal.pthread_sigmask(signal.SIG_UNBLOCK, OF_THE_SERVER)
    threading.Thread(target=_end_with, args=(server,), name="end-with-parent", daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(INTERVAL)
    os.kill(os.getpid(), signal.SIGKILL)
