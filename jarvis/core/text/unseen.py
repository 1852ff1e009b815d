"""Leaves out of a text what no reader sees: hidden characters and comments, and data that is not text.

All of it is useless in a search, and a way to give a model instructions that nobody notices.
"""

import re

from jarvis.core.text.markup import unseen

_FLAG = "(?P<seen>\U0001f3f4[\U000e0030-\U000e007a]{1,6}\U000e007f)"
"""An emoji with tag characters, such as the flag of Wales."""
_SMUGGLED = "[\U000e0000-\U000e007f]+|[\U000e0100-\U000e01ef]{2,}|[\u200b-\u200f\u2060-\u2064\ufeff]{4,}"
"""Tag characters, and runs of characters without width: each can spell a message."""
_DATA = (
    r"\bdata:[\w.+-]++/[\w.+-]++[\w;=.+-]*+,"
    r"(?:(?<=;base64,)[\w+/=%-]{24,}+(?:\s++[\w+/]{60,}+={0,2}+)*+(?:\s++[\w+/]++={1,2}+)?|[^\s\"'<>()]{64,}+)"
)
_TEXT = re.compile(rf"{_FLAG}|{_SMUGGLED}|{_DATA}")


def without_unseen(text: str, *, markdown: bool = False) -> tuple[str, tuple[tuple[int, int], ...]]:
    """Return a text without what no reader sees.

    Args:
        text: any text.
        markdown: whether it is Markdown, of which HTML comments and hidden elements are left out as well.

    Returns:
        The rest of the text, and the cuts as `jarvis.core.text.Text` has them.
    """
    spans = [found.span() for found in _TEXT.finditer(text) if not found["seen"]]
    if markdown:
        spans = sorted([*spans, *unseen(text)])
    parts = []
    cuts = []
    end = missing = 0
    for start, stop in spans:
        if stop <= end:
            continue
        parts.append(text[end : max(start, end)])
        missing += stop - max(start, end)
        end = stop
        cuts.append((end - missing, missing))
    return "".join([*parts, text[end:]]), tuple(cuts)


def is_blank(text: str) -> bool:
    """Return whether a text has no character that can be seen."""
    return not any(character.isprintable() and not character.isspace() for character in text)
