"""What the requests of a run come to."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from jarvis.load.run import Measured


def nearest_rank(values: Sequence[float], share: float) -> float:
    """Return the least of some values, in any order, that a share of them, above 0, does not exceed."""
    return sorted(values)[math.ceil(share * len(values)) - 1]


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Seconds that half, 95 % and 99 % of requests stayed within, and the most (nearest rank)."""

    p50: float
    p95: float
    p99: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Self | None:
        """Return those of values in any order; None without any."""
        if not values:
            return None
        p50, p95, p99, most = (nearest_rank(values, share) for share in (0.5, 0.95, 0.99, 1))
        return cls(p50, p95, p99, most)


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures of a run.

    Attributes:
        answered: the requests that were answered whole.
        failed: how many were not, by status and reason.
        messages: what the server said of the first that failed, likewise.
        given_up: how many ran on when the time was up; they are in no other figure.
        requests_per_second, prompt_tokens_per_second, tokens_per_second: of those that were answered.
        first_token: seconds to the first token.
        each_token: seconds for each token after the first.
        answer: seconds to the end of the answer.
    """

    answered: int
    failed: Mapping[str, int]
    messages: Mapping[str, str]
    given_up: int
    requests_per_second: float
    prompt_tokens_per_second: float
    tokens_per_second: float
    first_token: Quantiles | None
    each_token: Quantiles | None
    answer: Quantiles | None


def summary(requests: Sequence[Measured], seconds: float, given_up: int) -> Summary:
    """Return the figures of requests that ended within so many seconds."""
    answered = [one for one in requests if one.code == "OK"]
    failed = [(f"{one.code} {one.reason}".strip(), one) for one in requests if one.code != "OK"]
    begun = [(one, one.first_token) for one in answered if one.first_token is not None]
    return Summary(
        answered=len(answered),
        failed=Counter(kind for kind, _ in failed),
        messages={kind: one.message for kind, one in reversed(failed)},
        given_up=given_up,
        requests_per_second=len(answered) / seconds,
        prompt_tokens_per_second=sum(one.prompt_tokens for one in answered) / seconds,
        tokens_per_second=sum(one.completion_tokens for one in answered) / seconds,
        first_token=Quantiles.of([first for _, first in begun]),
        each_token=Quantiles.of(
            [
                (one.seconds - first) / (one.completion_tokens - 1)
                for one, first in begun
                if one.completion_tokens > 1
            ]
        ),
        answer=Quantiles.of([one.seconds for one in answered]),
    )
