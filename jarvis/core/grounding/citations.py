"""Finds which sources a text cites.

A citation is `[`, one or more numbers with commas between them, and `]`: `[1]`, `[1, 2]`, `[1][2]`. Numbers
are decimal and have at most nine digits. Nothing in Markdown code is a citation: `` `rows[0]` `` is an index.
"""

import re
from dataclasses import dataclass

NUMBER = "[0-9]{1,9}"
"""The pattern of a number: at most nine digits, so that it fits the contract's 32 bits."""
MARKER = re.compile(rf"\[({NUMBER}(?: *, *{NUMBER})*)\]")
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Cited:
    """The numbers that an answer cites, once each, in the order of their first mention.

    Those in `known` are the numbers of sources; those in `unknown` are not.
    """

    known: tuple[int, ...] = ()
    unknown: tuple[int, ...] = ()


def cited(text: str, sources: int) -> Cited:
    """Return the numbers that a whole answer cites.

    Args:
        text: the answer.
        sources: how many sources there are; they are numbered from 1.
    """
    found = MARKER.findall(_CODE.sub(" ", text))
    numbers = dict.fromkeys(int(number) for numbers in found for number in numbers.split(","))
    return Cited(
        known=tuple(number for number in numbers if 1 <= number <= sources),
        unknown=tuple(number for number in numbers if not 1 <= number <= sources),
    )
