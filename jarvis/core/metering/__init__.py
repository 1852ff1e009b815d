"""Counts what callers use, and holds them to their limits."""

from jarvis.core.metering.ledger import Ledger
from jarvis.core.metering.limits import Limits, Windows
from jarvis.core.metering.metering import Metering, Spent

__all__ = ["Ledger", "Limits", "Metering", "Spent", "Windows"]
