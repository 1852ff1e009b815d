"""An estimator for which a text is the harder, the more words it has."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from jarvis_ports.difficulty import HARDEST, DifficultyEstimator, Estimate
from jarvis_ports.health import Health

from .settings import Settings


@asynccontextmanager
async def open_adapter(settings: Settings) -> AsyncIterator[DifficultyEstimator]:
    """Load the estimator, and free what it holds when the context is left."""
    yield Adapter(settings)


class Adapter:
    """See `jarvis_ports.difficulty.DifficultyEstimator`."""

    def __init__(self, settings: Settings) -> None:
        self._hardest = settings.hardest_words

    async def estimate(self, text: str) -> Estimate:
        """See the port."""
        return Estimate(min(HARDEST, HARDEST * len(text.split()) // self._hardest))

    async def health(self) -> Health:
        """See the port."""
        return Health(ok=True)
