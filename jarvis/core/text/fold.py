"""Text as people search for it: what is written differently but read the same becomes the same."""

import re
import unicodedata

_LETTERS = r"[^\W\d_]"
_BROKEN = re.compile(
    rf"(?<![^\W_]|[-\u2010])({_LETTERS}+)[-\u2010\u00ad][ \t]*(?:\r?\n[ \t]*){{1,2}}(?=({_LETTERS}+))"
)
"""A word that is broken at the end of a line or of a page; not part of a word with hyphens of its own."""
_HYPHEN = re.compile(r"[-\u2010\u00ad][ \t]*\r?\n")
# Unicode's Default_Ignorable_Code_Point: soft hyphens, zero-width characters, direction marks, tags.
_IGNORED = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_ESCAPED = re.compile(r"\\(?=[!-/:-@\[-`{-~])")
"""A backslash with which Markdown escapes punctuation: `max\\_tokens`."""


def fold(text: str) -> str:
    """Return the form of a text, or of a question, that is indexed, embedded and searched for.

    Letters are normalised to NFKC (ligatures, full-width forms), invisible characters (soft hyphens, zero
    width) and Markdown's escapes are removed, and words that are broken at the end of a line are joined.
    """
    folded = text
    if _HYPHEN.search(folded):  # rare, and much faster to find
        folded = _BROKEN.sub(lambda found: found[1] if _one_word(found) else found[0], folded)
    if not folded.isascii():
        folded = _IGNORED.sub("", unicodedata.normalize("NFKC", folded))
    return _ESCAPED.sub("", folded) or text


def words(text: str) -> str:
    """Return what the index has of a text: its folded form, and the halves of words that are broken.

    The halves may be words too.
    """
    broken = _BROKEN.finditer(text) if _HYPHEN.search(text) else ()
    halves = [f"{found[1]} {found[2]}" for found in broken if _one_word(found)]
    return " ".join([fold(text), *map(fold, halves)])


def _one_word(found: re.Match[str]) -> bool:
    """Return whether the halves form one word: "configu-ration" is, "Jean-Paul" and "TCP-IP" are not."""
    return found[1][-1].islower() and found[2][0].islower()
