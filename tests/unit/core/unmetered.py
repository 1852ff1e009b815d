"""Metering for tests of something else."""

from jarvis.core.metering import Metering
from jarvis.core.telemetry.instruments import Instruments
from jarvis.usage import SlidingWindows, SQLiteLedger


def unmetered():
    """Return a metering that limits nobody and keeps nothing."""
    return Metering(SlidingWindows(), SQLiteLedger(), Instruments())
