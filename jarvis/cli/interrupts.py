"""Ctrl-C while modules are imported."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread


def handle() -> None:
    """Have Ctrl-C raise KeyboardInterrupt from now on, if it has its default action."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL and current_thread() is main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def importing() -> Iterator[None]:
    """Let Ctrl-C end the process at once in the block: some libraries turn it into other errors."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler and current_thread() is main_thread():
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        handle()
