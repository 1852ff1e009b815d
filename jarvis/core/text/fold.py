"""Text as people search for it: what is written otherwise and read the same becomes the same."""

import re
import unicodedata

_LETTERS = r"[^\W\d_]"
_BROKEN = re.compile(
    rf"(?<![^\W_]|[-\u2010])({_LETTERS}+)[-\u2010\u00ad][ \t]*(?:\r?\n[ \t]*){{1,2}}(?=({_LETTERS}+))"
)
"""A word that goes on in the next line, or on the next page; no part of one with hyphens of its own."""
_HYPHEN = re.compile(r"[-\u2010\u00ad][ \t]*\r?\n")
# Default_Ignorable_Code_Point of Unicode: soft hyphens, what has no width, marks of direction, tags.
_IGNORED = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_ESCAPED = re.compile(r"\\(?=[!-/:-@\[-`{-~])")
"""A backslash with which Markdown escapes punctuation: `max\\_tokens`."""


def fold(text: str) -> str:
    """Return what a text is found by: for the index, for embedding, and of questions likewise.

    Letters become those of NFKC (ligatures, full-width forms), what is not seen goes (soft hyphens, zero
    width), escapes of Markdown too, and words that are broken at the end of a line are whole.
    """
    folded = text
    if _HYPHEN.search(folded):  # seldom, and much sooner told
        folded = _BROKEN.sub(lambda found: found[1] if _one_word(found) else found[0], folded)
    if not folded.isascii():
        folded = _IGNORED.sub("", unicodedata.normalize("NFKC", folded))
    return _ESCAPED.sub("", folded) or text


def words(text: str) -> str:
    """Return what the index has of a text: folded, and the halves of broken words, which may be words too."""
    broken = _BROKEN.finditer(text) if _HYPHEN.search(text) else ()
    halves = [f"{found[1]} {found[2]}" for found in broken if _one_word(found)]
    return " ".join([fold(text), *map(fold, halves)])


def _one_word(found: re.Match[str]) -> bool:
    """Return whether both halves are one word: "configu-ration" is, "Jean-Paul" and "TCP-IP" are not."""
    return found[1][-1].islower() and found[2][0].islower()
