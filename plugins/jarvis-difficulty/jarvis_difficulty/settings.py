"""The settings of the estimator."""

from typing import Annotated, Final

from pydantic import Field, field_validator

from jarvis_difficulty.keywords import BUILT_IN, key
from jarvis_difficulty.signals import WEIGHTS, WITHOUT_KEYWORDS, SignalName
from jarvis_plugins import AdapterSettings

_WEIGHTS: Final = ", ".join(f"{name} {weight.easy:g} {weight.hard:g}" for name, weight in WEIGHTS.items())
_MOST: Final = 100

Odds = Annotated[float, Field(ge=-_MOST, le=_MOST, allow_inf_nan=False)]


class HeuristicSettings(AdapterSettings):
    """Changes to the built-in weights and keywords; those that are not named stay as they are."""

    weights: dict[SignalName, tuple[Odds, Odds]] = Field(
        {},
        description="Two numbers for each signal: what its first match adds to the log-odds of easy, and of "
        "hard, against medium. Each further match counts half as much as the one before. "
        f"Built in: {_WEIGHTS}.",
    )
    keywords: dict[SignalName, list[str]] = Field(
        {},
        description="Words and phrases that count for a signal, by its name, beside the built-in ones; a "
        "built-in one that is given here counts for this signal alone.",
    )
    ignored_keywords: list[str] = Field([], description="Built-in keywords that do not count.")

    @field_validator("keywords")
    @classmethod
    def _can_be_found(cls, keywords: dict[SignalName, list[str]]) -> dict[SignalName, list[str]]:
        taken: dict[tuple[str, ...], SignalName] = {}
        for signal, phrases in keywords.items():
            if signal in WITHOUT_KEYWORDS:
                msg = f"{signal} has no keywords; change its weight instead"
                raise ValueError(msg)
            for phrase in phrases:
                if not key(phrase):
                    msg = f"{phrase!r}, of {signal}, has no letter and no digit"
                    raise ValueError(msg)
                if (other := taken.setdefault(key(phrase), signal)) is not signal:
                    msg = f"{phrase!r} is given for {other} and for {signal}; leave one of them out"
                    raise ValueError(msg)
        return keywords

    @field_validator("ignored_keywords")
    @classmethod
    def _are_built_in(cls, ignored: list[str]) -> list[str]:
        if unknown := [phrase for phrase in ignored if key(phrase) not in BUILT_IN]:
            msg = f"not built in: {', '.join(map(repr, unknown))}; they count for nothing as it is"
            raise ValueError(msg)
        return ignored
