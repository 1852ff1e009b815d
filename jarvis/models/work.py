"""The progress of making a model folder."""

from dataclasses import dataclass
from pathlib import Path

from jarvis.models import cache


@dataclass
class Work:
    """The current step; `total` is the number of bytes that the folder will have, or None if unknown."""

    folder: Path
    step: str = "starting"
    total: int | None = None

    @property
    def done(self) -> float | None:
        """The part that is done, in [0, 1], or None if unknown."""
        return min(1.0, cache.size(self.folder) / self.total) if self.total else None
