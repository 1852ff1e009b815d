"""The estimator, which adds up the points of the signals that it finds in a text."""

import re
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Final, NamedTuple

from jarvis_difficulty.index import Keyword, KeywordIndex, words
from jarvis_difficulty.keywords import all_keywords
from jarvis_difficulty.language import language_of
from jarvis_difficulty.scale import points
from jarvis_difficulty.settings import HeuristicSettings
from jarvis_difficulty.shapes import measures, shapes
from jarvis_difficulty.signals import WEIGHTS, SignalName, Weight, worth
from jarvis_ports.difficulty import HARDEST, Estimate, Signal
from jarvis_ports.health import Health

HEAD: Final = 384
TAIL: Final = 96
"""The numbers of characters read at the beginning and at the end of a long text."""
_WORDS: Final = 96
"""The most words read among these characters; prose has fewer."""
_SHOWN: Final = 60
"""The most characters shown of what was found."""
_MATERIAL: Final = re.compile(r'[:\n"«“]')
"""The marks that introduce a text to be rewritten."""
_REQUEST: Final = 200
"""The number of characters within which the text to be rewritten must begin."""

Found = tuple[SignalName, float, str]


class Read(NamedTuple):
    """The part of a text that is read: the text in lower case, its words, and the keywords among them."""

    text: str
    words: list[str]
    keywords: list[Keyword]

    @property
    def asks_to_rewrite(self) -> bool:
        """Whether the request is to translate or correct a text, or the like."""
        return any(keyword.signal is SignalName.REWRITE for keyword in self.keywords)


@asynccontextmanager
async def open_heuristic(settings: HeuristicSettings) -> AsyncIterator["Heuristic"]:
    """Open the estimator; there is nothing to load."""
    yield Heuristic(settings)


class Heuristic:
    """A `DifficultyEstimator` without a model; nothing in it waits."""

    def __init__(self, settings: HeuristicSettings) -> None:
        given = {name: Weight(*weight) for name, weight in settings.weights.items()}
        self._weights = WEIGHTS | given
        self._index = KeywordIndex(all_keywords(settings.keywords, settings.ignored_keywords))

    async def estimate(self, text: str) -> Estimate:
        """See `jarvis_ports.difficulty.DifficultyEstimator.estimate`."""
        read = self.read(text)
        signals = self._signals(found_in(read))
        score = sum(signal.points for signal in signals)
        return Estimate(
            difficulty=round(max(0, min(score, HARDEST))),
            language=language_of(read.text, read.words, (keyword.language for keyword in read.keywords)),
            signals=tuple(sorted(signals, key=lambda signal: -abs(signal.points))),
        )

    async def health(self) -> Health:
        """See `jarvis_ports.difficulty.DifficultyEstimator.health`."""
        return Health(ok=True)

    def read(self, text: str) -> Read:
        """Return the part of a text that counts.

        A text to be rewritten is left out if it follows the request: it does not make that more difficult.
        """
        read = self._read(excerpt(excerpt(text).lower()))  # some capitals are two characters in lower case
        if read.asks_to_rewrite:
            request, *material = _MATERIAL.split(read.text[:_REQUEST], maxsplit=1)
            if material and (alone := self._read(request)).asks_to_rewrite:
                return alone
        return read

    def _read(self, text: str) -> Read:
        in_words = words(text)[:_WORDS]
        return Read(text, in_words, self._index.find(in_words))

    def _signals(self, found: Sequence[Found]) -> list[Signal]:
        moves = [self._moved(name, times) for name, times, _ in found]
        base, moved = points(self._weights[SignalName.BASE], moves)
        signals = [Signal(SignalName.BASE.value, round(base, 2))]
        for (name, _, what), by in zip(found, moved, strict=True):
            signals.append(Signal(name.value, round(by, 2), what))
        return [signal for signal in signals if signal.points]

    def _moved(self, name: SignalName, times: float) -> Weight:
        weight = self._weights[name]
        return Weight(weight.easy * times, weight.hard * times)


def found_in(read: Read) -> list[Found]:
    """Return each signal found, how many times its weight it is worth, and what was found."""
    return [each for each in (*_finds(read), *measures(read.text, read.words)) if each[1]]


def _finds(read: Read) -> Iterator[Found]:
    finds: dict[SignalName, dict[str, None]] = {}
    for keyword in read.keywords:
        finds.setdefault(keyword.signal, {})[keyword.text] = None
    for name, found in shapes(read.text, read.words):
        finds.setdefault(name, {})[found] = None
    if SignalName.CODE in finds:  # numbers in code do not make a question harder
        finds.pop(SignalName.FIGURES, None)
    for name, of_it in finds.items():
        yield name, worth(len(of_it) - (name is SignalName.FIGURES)), _shown(of_it)


def excerpt(text: str) -> str:
    """Return the part of a text that is read: all of a short text, the beginning and end of a long one."""
    return text if len(text) <= HEAD + TAIL else f"{text[:HEAD]}\n{text[-TAIL:]}"


def _shown(found: Iterable[str]) -> str:
    text = ", ".join(found)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
