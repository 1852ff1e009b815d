"""What a caller may use, and what counts it."""

from dataclasses import dataclass
from typing import Protocol

MINUTE = 60
"""The seconds over which requests and tokens are counted."""


@dataclass(frozen=True)
class Limits:
    """The most that a caller may use; None is no limit.

    Attributes:
        requests_per_minute: the most calls that are begun in a minute.
        tokens_per_minute: the most tokens of prompts and answers in a minute.
        tokens_per_day: the most tokens of a day, in UTC.
    """

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    tokens_per_day: int | None = None


class Windows(Protocol):
    """Counts what is used in the last minute; several servers may share it."""

    async def take(self, limit: str, caller: str, amount: int, most: int) -> float | None:
        """Take an amount if that leaves no more than `most` in the last minute.

        Args:
            limit: what is counted, such as `tokens_per_minute`.
            caller: whose it is.
            amount: how much; at most `most`.
            most: how much may be used in a minute.

        Returns:
            None if it was taken, or else in how many seconds it may be.
        """
        ...
