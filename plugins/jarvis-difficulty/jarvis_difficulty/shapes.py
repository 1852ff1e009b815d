"""Finds the signals that show in the shape of a text rather than in single words."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from jarvis_difficulty.signals import FEW, LONG, SHORT, SignalName, worth

_CODE: Final = "``` ` == != <= += => -> :: && || () [] {} </ 0x error:"
_MATHS: Final = "∀ ∃ ∈ ∑ ∏ ∫ √ ∞ ≤ ≥ ≠ ≡ π ² ³ ^2 ^n x^"
_MARKS: Final = {
    SignalName.CODE: (*_CODE.split(), "{\n", ";\n", " --", "$ "),
    SignalName.MATHS: (*_MATHS.split(), "f(x)"),
}
"""The marks of each signal in a lower-case text."""
_SUM: Final = re.compile(r"\d ?(?:[+*x\u00d7\u00f7]|% (?:of|de)|[-/] ) ?\d")
_WOULD: Final = tuple(f"{vowel}ria{person}" for vowel in "aei" for person in ("", "s", "n"))
"""The endings of Spanish verbs in the conditional, as in "¿cómo lo averiguarías?"."""
_ENDS: Final = (". ", ".\n", "; ", "? ", "?\n", "! ", "!\n", "…")
"""The ends of sentences other than the last."""
_QUOTES: Final = ('"', "«", "“", " '", ":\n", "\n\n")
"""The marks that introduce a quotation, or text below a request."""


def shapes(text: str, in_words: Sequence[str]) -> Iterator[tuple[SignalName, str]]:
    """Yield each find in a lower-case text and its words: the signal, and what was found."""
    for signal, marks in _MARKS.items():
        for mark in marks:
            if mark in text:
                yield signal, mark.strip()
    if found := _SUM.search(text):
        yield SignalName.LOOKUP, found[0]
    for word in dict.fromkeys(in_words):
        if word[0].isdecimal():
            yield SignalName.FIGURES, word
        elif word.endswith(_WOULD):
            yield SignalName.HYPOTHESIS, word


def measures(text: str, in_words: Sequence[str]) -> Iterator[tuple[SignalName, float, str]]:
    """Yield each measured signal of a lower-case text and its words, with its multiple of its weight."""
    length, questions, sentences = len(in_words), text.count("?"), sum(map(text.count, _ENDS))
    yield SignalName.LENGTH, min(1.0, max(0, length - SHORT) / (LONG - SHORT)), _counted(length, "word")
    yield SignalName.SHORT, max(0, FEW - length) / (FEW - 1), _counted(length, "word")
    yield SignalName.QUESTION, worth(questions), _counted(questions, "question")
    yield SignalName.SENTENCES, worth(sentences), _counted(sentences + 1, "sentence")
    if quoted := next((quote for quote in _QUOTES if quote in text), ""):
        yield SignalName.MATERIAL, 1.0, quoted.strip()


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
