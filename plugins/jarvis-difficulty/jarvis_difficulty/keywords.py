"""All keywords: the built-in ones, with the changes that the settings make."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from jarvis_difficulty import common, english, spanish
from jarvis_difficulty.index import Keyword, words
from jarvis_difficulty.signals import SignalName

Key = tuple[str, ...]
"""The words of a keyword; keywords with the same words are found alike."""


def key(phrase: str) -> Key:
    """Return the words by which a phrase is found."""
    return tuple(words(phrase.lower()))


def _built_in() -> dict[Key, Keyword]:
    found: dict[Key, Keyword] = {}
    for language, keywords in (("en", english.KEYWORDS), ("es", spanish.KEYWORDS), (None, common.KEYWORDS)):
        for signal, text in keywords.items():
            for phrase in map(str.strip, text.replace("\n        ", " ").split(",")):
                known = found.get(key(phrase))
                found[key(phrase)] = (
                    Keyword(known.text, signal) if known else Keyword(phrase, signal, language)
                )
    return found


BUILT_IN: Final = _built_in()
"""The built-in keywords of all languages, by their words; a keyword of several languages belongs to none."""


def all_keywords(given: Mapping[SignalName, Sequence[str]], ignored: Sequence[str]) -> Iterator[Keyword]:
    """Yield the built-in keywords except the ignored ones, and then the given ones."""
    left_out = {key(phrase) for phrase in ignored}
    yield from (keyword for its_key, keyword in BUILT_IN.items() if its_key not in left_out)
    for signal, phrases in given.items():
        yield from (Keyword(phrase, signal) for phrase in phrases)
