"""Tells English from Spanish by the words that every sentence needs."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from jarvis_difficulty import english, spanish
from jarvis_difficulty.index import words

_OTHERS: Final = """
    le les est et une des dans pour avec vous je nous sont qui pas sur ce cette quelle quel comment
    pourquoi bonjour merci der die das und ist nicht ich wie ein eine den dem mit für auf zu von sie warum
    wer danke hallo não uma um do da em os você com isso são obrigado il che di per non come sono della
    gli perché grazie ciao ik een het van niet hoe wat moi toi mon ton peux quand très
"""
"""Words of French, German, Portuguese, Italian and Dutch, so that these languages are taken for neither."""
_VOTERS: Final = {
    language: frozenset(words(text))
    for language, text in (
        ("en", english.FUNCTION_WORDS),
        ("es", spanish.FUNCTION_WORDS),
        (None, _OTHERS),
    )
}
_SPANISH_SIGNS: Final = ("¿", "¡", "ñ")
_BEGINNING: Final = 12
"""The number of words that decide first: text that is pasted below a question may be in another language."""


def language_of(text: str, in_words: Sequence[str], of_keywords: Iterable[str | None]) -> str | None:
    """Return "en" or "es" if it has more votes than every other language, or None if neither has.

    Each word votes for the languages in which it is common. If the first words do not decide, all words
    vote, and each keyword votes for its language.
    """
    if (first := _most(_votes(in_words[:_BEGINNING]))) is not None:
        return first
    votes = _votes(in_words)
    votes.update(language for language in of_keywords if language)
    votes["es"] += 2 * any(sign in text for sign in _SPANISH_SIGNS)
    return _most(votes)


def _votes(in_words: Sequence[str]) -> Counter[str | None]:
    return Counter(
        {language: sum(map(voters.__contains__, in_words)) for language, voters in _VOTERS.items()}
    )


def _most(votes: Counter[str | None]) -> str | None:
    (language, most), (_, second), *_ = votes.most_common()
    return language if most > second else None
