"""Sends to the root logger what would otherwise bypass it and go to the terminal."""

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

logger = logging.getLogger(__name__)


def _writes_to_terminal(handler: logging.Handler) -> bool:
    streams = (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)
    return isinstance(handler, logging.StreamHandler) and any(handler.stream is stream for stream in streams)


class PropagatingLogger(logging.Logger):
    """A logger whose records reach the root logger if a library wants them on the terminal.

    Many libraries give their own logger a handler for standard error, and keep its records from the root.
    """

    _for_terminal = False

    @property
    def propagate(self) -> bool:
        """Whether the loggers above get the records."""
        return self._propagate or self._for_terminal

    @propagate.setter
    def propagate(self, propagate: bool) -> None:
        self._propagate = propagate

    def addHandler(self, hdlr: logging.Handler) -> None:  # noqa: N802 - the library's name
        """Add a handler, unless it is one for the terminal."""
        if _writes_to_terminal(hdlr):
            self._for_terminal = True
        else:
            super().addHandler(hdlr)


@contextmanager
def captured() -> Iterator[None]:
    """Capture what loggers, warnings, threads and destructors would write to standard error themselves."""
    taken = _take_terminal_handlers()
    logger_class = logging.getLoggerClass()
    logging.setLoggerClass(PropagatingLogger)
    logging.captureWarnings(capture=True)
    hooks = threading.excepthook, sys.unraisablehook
    threading.excepthook, sys.unraisablehook = _thread_failed, _unraisable
    try:
        yield
    finally:
        threading.excepthook, sys.unraisablehook = hooks
        logging.captureWarnings(capture=False)
        logging.setLoggerClass(logger_class)
        for owner, handler, propagate in taken:
            owner.addHandler(handler)
            owner.propagate = propagate


def _take_terminal_handlers() -> list[tuple[logging.Logger, logging.Handler, bool]]:
    """Remove the existing terminal handlers, and return them with their loggers and the old `propagate`."""
    loggers = [logging.getLogger(), *logging.Logger.manager.loggerDict.values()]
    taken = [
        (owner, handler, owner.propagate)
        for owner in loggers
        if isinstance(owner, logging.Logger)
        for handler in owner.handlers
        if _writes_to_terminal(handler)
    ]
    for owner, handler, _ in taken:
        owner.removeHandler(handler)
        owner.propagate = True
    return taken


def _thread_failed(failed: threading.ExceptHookArgs) -> None:
    if failed.exc_type is not SystemExit:
        name = failed.thread.name if failed.thread else "unknown"
        error = failed.exc_value or failed.exc_type()
        logger.error("the thread %s ended with an exception", name, exc_info=error)


def _unraisable(raised: "sys.UnraisableHookArgs") -> None:
    where = f"{raised.err_msg or 'exception ignored in'}: {raised.object!r:.200}"
    logger.error("%s", where, exc_info=raised.exc_value)
