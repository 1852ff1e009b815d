"""Makes what counts the usage of callers."""

from pathlib import Path

from jarvis.app.config import MEMORY, Config, ConfigError
from jarvis.app.config.access import CallerLimits
from jarvis.core.metering import Limits, Metering
from jarvis.core.telemetry.instruments import Instruments
from jarvis.usage import SlidingWindows, SQLiteLedger
from jarvis_toolkit.folders import data_folder


def make_metering(config: Config, instruments: Instruments) -> tuple[Metering, SQLiteLedger]:
    """Return what holds callers to their limits, and what keeps their usage, not yet opened.

    Raises:
        ConfigError: `limits.redis` cannot be used.
    """
    limits = config.limits
    ledger = SQLiteLedger(usage_file(limits.usage))
    default = _limits(limits)
    callers = {name: _limits(caller, default) for name, caller in config.callers.items()}
    try:
        windows = SlidingWindows(limits.redis.get_secret_value())
    except ValueError as error:
        raise ConfigError(f"limits.redis: {error}") from None
    metering = Metering(windows, ledger, instruments, default, callers, shadow=limits.shadow)
    return metering, ledger


def usage_file(given: str) -> Path | None:
    """Return the file of what callers used, or None for memory."""
    if given == MEMORY:
        return None
    return Path(given).expanduser() if given else data_folder("usage") / "usage.sqlite"


def _limits(given: CallerLimits, default: Limits = Limits()) -> Limits:
    own = given.model_dump(include=set(CallerLimits.model_fields))
    return Limits(**{name: getattr(default, name) if most is None else most for name, most in own.items()})
