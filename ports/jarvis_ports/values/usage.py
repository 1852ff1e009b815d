"""What callers used."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CallerUsage:
    """What a caller used of a model on one day.

    Attributes:
        day: the day in UTC, as YYYY-MM-DD.
        caller: the caller's name; "" for those that are not known.
        model: the model's name.
        requests: how many requests a model answered, or began to.
        prompt_tokens: the tokens of prompts, or of texts that were embedded.
        completion_tokens: the tokens of answers.
    """

    day: str
    caller: str
    model: str
    requests: int
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class UsageRequest:
    """Which usage is asked for.

    Attributes:
        days: how many days, today included; 1 if it is left out.
        caller: whose; left out, that of all callers, or one's own for those who may not see others'.
    """

    days: int | None = None
    caller: str | None = None
