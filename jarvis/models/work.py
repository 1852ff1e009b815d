"""How far the making of a model folder is."""

from dataclasses import dataclass
from pathlib import Path

from jarvis.models import cache


@dataclass
class Work:
    """What is done now; `total` is the bytes that the folder will have, and None where nobody knows."""

    folder: Path
    step: str = "starting"
    total: int | None = None

    @property
    def done(self) -> float | None:
        """The part that is done, in [0, 1]."""
        return min(1.0, cache.size(self.folder) / self.total) if self.total else None
