"""The port to what keeps the usage of callers."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from jarvis_ports.values import CallerUsage


class Ledger(Protocol):
    """Keeps what callers used, by day, caller and model; days are those of UTC, as YYYY-MM-DD."""

    def running(self) -> AbstractContextManager[None]:
        """Keep what is used while the block runs.

        Raises:
            StoreUnusable: it cannot be opened.
        """
        ...

    def add(self, used: CallerUsage) -> None:
        """Add to what was used; it is written within a second."""
        ...

    def tokens(self, day: str, caller: str) -> int:
        """Return how many tokens a caller has used on a day, as of now."""
        ...

    async def since(self, day: str, caller: str | None) -> Sequence[CallerUsage]:
        """Return what was used from a day on, by day, caller and model.

        Args:
            day: the first day.
            caller: whose; None for all callers.

        Raises:
            StoreFailure: it cannot be read.
        """
        ...
