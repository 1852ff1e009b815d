"""Lets callers use as much as they may, and writes down what they used."""

import logging
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from jarvis.core.metering.ledger import Ledger
from jarvis.core.metering.limits import MINUTE, Limits, Windows
from jarvis.core.principal import log_id
from jarvis.core.telemetry import metrics
from jarvis.core.telemetry.instruments import Instruments
from jarvis_ports.errors import LimitExceeded
from jarvis_ports.telemetry import Attributes
from jarvis_ports.values import CallerUsage

logger = logging.getLogger(__name__)

REQUESTS, TOKENS, BUDGET = "requests_per_minute", "tokens_per_minute", "tokens_per_day"
OTHERS = "other"
"""What stands in metrics for callers that the configuration does not name: there may be any number."""


@dataclass
class Spent:
    """What a request has used so far, to be set by who serves it; nothing while no model has begun."""

    model: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0


class Metering:
    """Reserves what a request may use before it begins, and settles that when it ends.

    What was reserved and not used is the caller's credit for a minute, which its next requests use first: it
    still stands in the window of the last minute for as long. What was used and not reserved is its debt,
    which its next request takes as well.

    Args:
        windows: count the last minute.
        ledger: keeps what was used.
        default: the limits of callers that have none of their own.
        callers: the limits of callers, by their names.
        shadow: whether requests over a limit are only counted and logged.
        instruments: count what is used and refused.
    """

    def __init__(  # noqa: PLR0913 - what it works with, and what it goes by
        self,
        windows: Windows,
        ledger: Ledger,
        instruments: Instruments,
        default: Limits = Limits(),
        callers: dict[str, Limits] | None = None,
        *,
        shadow: bool = False,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._windows = windows
        self._ledger = ledger
        self._instruments = instruments
        self._default = default
        self._callers = callers or {}
        self._shadow = shadow
        self._now = now
        self._credit: dict[str, deque[list[float]]] = {}
        self._reserved: Counter[str] = Counter()
        self._debt: Counter[str] = Counter()

    async def request(self, caller: str) -> None:
        """Count a request that begins.

        Raises:
            LimitExceeded: the caller has sent as many in the last minute as it may.
        """
        most = self._limits(caller).requests_per_minute
        if most is None:
            return
        wait = await self._windows.take(REQUESTS, caller, 1, most)
        if wait is not None:
            self._refuse(caller, LimitExceeded(REQUESTS, f"all {most} of a minute are used", wait))

    @asynccontextmanager
    async def tokens(self, caller: str, expected: int) -> AsyncIterator[Spent]:
        """Reserve tokens while the block runs; what it sets in `Spent` is what was used.

        Args:
            caller: whose request it is.
            expected: the most tokens that it is expected to use.

        Raises:
            LimitExceeded: the caller has used as many as it may, in the last minute or today.
        """
        limits, spent = self._limits(caller), Spent()
        self._check_budget(caller, expected, limits.tokens_per_day)
        self._reserved[caller] += expected  # before anything is waited for: others are checked meanwhile
        taken = 0
        try:
            taken = await self._take(caller, expected, limits.tokens_per_minute)
            yield spent
        finally:
            self._release(caller, expected)
            used = spent.prompt_tokens + spent.completion_tokens
            if taken > used:
                self._credit.setdefault(caller, deque()).append([time.monotonic() + MINUTE, taken - used])
            elif limits.tokens_per_minute and used > expected:
                self._debt[caller] = min(self._debt[caller] + used - expected, limits.tokens_per_minute)
            if spent.model:
                self._write(caller, spent)

    async def usage(self, days: int, caller: str | None) -> tuple[CallerUsage, ...]:
        """Return what was used in the last days, today included, by day, caller and model.

        Raises:
            StoreFailure: it cannot be read.
        """
        first = self._now() - timedelta(days=days - 1)
        return tuple(await self._ledger.since(first.date().isoformat(), caller))

    def _limits(self, caller: str) -> Limits:
        return self._callers.get(caller, self._default)

    def _check_budget(self, caller: str, expected: int, most: int | None) -> None:
        if most is None:
            return
        now = self._now()
        used = self._ledger.tokens(now.date().isoformat(), caller) + self._reserved[caller]
        if used + expected <= most:
            return
        midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        wait = (midnight - now).total_seconds() if expected <= most else None
        why = f"{used} of {most} are used or reserved, and this request may need {expected}"
        self._refuse(caller, LimitExceeded(BUDGET, why if wait else _too_much(expected, most), wait))

    async def _take(self, caller: str, expected: int, most: int | None) -> int:
        """Reserve tokens in the last minute, and return how many stand there for this request."""
        if most is None:
            return 0
        if expected > most:
            self._refuse(caller, LimitExceeded(TOKENS, _too_much(expected, most), None))
            return 0
        debt = self._debt.pop(caller, 0)
        credit = self._use_credit(caller, expected)
        new = min(expected - credit + debt, most)
        wait = await self._windows.take(TOKENS, caller, new, most) if new else None
        if wait is None:
            return expected
        if debt:
            self._debt[caller] += debt
        if credit:
            self._credit.setdefault(caller, deque()).appendleft([time.monotonic() + wait, credit])
        why = f"{most} are the most, and this request may need {expected}"
        self._refuse(caller, LimitExceeded(TOKENS, why, wait))
        return 0

    def _use_credit(self, caller: str, wanted: int) -> int:
        credit, found = self._credit.get(caller, deque()), 0
        while credit and found < wanted:
            until, amount = credit.popleft()
            if until < time.monotonic():
                continue
            used = min(int(amount), wanted - found)
            found += used
            if amount > used:
                credit.appendleft([until, amount - used])
        if not credit:
            self._credit.pop(caller, None)
        return found

    def _release(self, caller: str, amount: int) -> None:
        self._reserved[caller] -= amount
        if not self._reserved[caller]:
            del self._reserved[caller]

    def _write(self, caller: str, spent: Spent) -> None:
        day = self._now().date().isoformat()
        used = CallerUsage(day, caller, spent.model, 1, spent.prompt_tokens, spent.completion_tokens)
        self._ledger.add(used)
        shown = {"caller": self._shown(caller), "model": spent.model}
        self._instruments.count(metrics.CALLER_REQUESTS, shown)
        for type_, number in {"input": spent.prompt_tokens, "output": spent.completion_tokens}.items():
            self._instruments.count(metrics.CALLER_TOKENS, {**shown, "type": type_}, number)

    def _shown(self, caller: str) -> str:
        return caller if caller in self._callers else OTHERS

    def _refuse(self, caller: str, error: LimitExceeded) -> None:
        limit = error.metadata["limit"]
        labels: Attributes = {"caller": self._shown(caller), "limit": limit, "enforced": not self._shadow}
        self._instruments.count(metrics.LIMITS_EXCEEDED, labels)
        if not self._shadow:
            raise error
        logger.info("would be refused: %s", error, extra={"caller": log_id(caller), "limit": limit})


def _too_much(expected: int, most: int) -> str:
    """Return what is wrong with a request that alone asks for more than a limit."""
    return f"this request may need {expected}, and {most} are the most; send less, or lower max_tokens"
