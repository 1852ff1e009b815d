"""Keeps the errors of a telemetry adapter, which must raise none, away from calls."""

import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from types import TracebackType

from jarvis_ports.telemetry import Attributes, Span

logger = logging.getLogger(__name__)


class Guard:
    """A block around an adapter's calls: it swallows their errors, and logs the first one."""

    def __init__(self) -> None:
        self._complained = False

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        if not isinstance(error, Exception):
            return False
        if not self._complained:
            self._complained = True
            logger.error("the telemetry adapter raised an error; more of them are not logged", exc_info=error)
        return True


class GuardedSpan:
    """A span and its block, which raises nothing but what the code in the block raises.

    Args:
        start: makes the adapter's span; None if there is no adapter.
        trace: the caller's trace, which is passed on if there is no span.
        guard: wraps every call of the adapter.
    """

    def __init__(
        self,
        start: Callable[[], AbstractContextManager[Span]] | None,
        trace: Mapping[str, str],
        guard: Guard,
    ) -> None:
        self._start = start
        self._trace = trace
        self._guard = guard
        self._block: AbstractContextManager[Span] | None = None
        self._span: Span | None = None

    def __enter__(self) -> Span:
        if self._start:
            with self._guard:
                block = self._start()
                self._span = block.__enter__()
                self._block = block
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if not self._block:
            return
        with self._guard:
            try:
                self._block.__exit__(kind, raised, traceback)  # what it returns must not swallow `raised`
            except Exception as error:
                if error is not raised:
                    raise

    @property
    def trace(self) -> Mapping[str, str]:
        """See `Span.trace`."""
        if self._span:
            with self._guard:
                return self._span.trace
        return self._trace

    def set(self, attributes: Attributes) -> None:
        """See `Span.set`."""
        if self._span:
            with self._guard:
                self._span.set(attributes)

    def failed(self, reason: str) -> None:
        """See `Span.failed`."""
        if self._span:
            with self._guard:
                self._span.failed(reason)
