"""Finds keywords in a text, all of them in one pass over its words."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from jarvis_difficulty.signals import SignalName

_WORD: Final = re.compile(r"\w+[+#]*")
_ACCENTS: Final = (*zip("áéíóúüñ", "aeiouun", strict=True), *((mark, "") for mark in "\u0301\u0303\u0308"))
_END: Final = ""
"""The key that marks the end of a keyword, in place of a next word."""


def words(text: str) -> list[str]:
    """Return the words of a lower-case text, without Spanish accents; a word may end in `+` or `#`: c++."""
    if not text.isascii():
        for accented, plain in _ACCENTS:
            text = text.replace(accented, plain)
    return _WORD.findall(text)


class Keyword(NamedTuple):
    """A word or phrase, the signal that it stands for, and its language if it belongs to one."""

    text: str
    signal: SignalName
    language: str | None = None


class KeywordIndex:
    """An index of keywords by their words."""

    def __init__(self, keywords: Iterable[Keyword]) -> None:
        """Index the keywords; of keywords with the same words, the last one wins."""
        self._first: dict[str, Any] = {}
        for keyword in keywords:
            node = self._first
            for word in words(keyword.text.lower()):
                node = node.setdefault(word, {})
            node[_END] = keyword

    def find(self, in_words: Sequence[str]) -> list[Keyword]:
        """Return the keywords among words, once each, in order; of overlapping ones the first and longest."""
        found: dict[str, Keyword] = {}
        free = 0
        for start, word in enumerate(in_words):
            if start < free or (node := self._first.get(word)) is None:
                continue
            hit, end = None, start + 1
            while node is not None:
                if ended := node.get(_END):
                    hit, free = ended, end
                node = node.get(in_words[end]) if end < len(in_words) else None
                end += 1
            if hit:
                found[hit.text] = hit
        return list(found.values())
