"""Finds which sources a text cites.

A citation is `[`, one number or several with commas between, and `]`: `[1]`, `[1, 2]`, `[1][2]`. Numbers are
decimal and have nine digits at most. What stands in Markdown code is no citation: `` `rows[0]` `` is an
index.
"""

import re
from dataclasses import dataclass

NUMBER = "[0-9]{1,9}"
"""Nine digits, so that a number fits the contract's 32 bits."""
MARKER = re.compile(rf"\[({NUMBER}(?: *, *{NUMBER})*)\]")
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Cited:
    """Numbers in the order of their first mention, once each: of sources, and of no source."""

    known: tuple[int, ...] = ()
    unknown: tuple[int, ...] = ()


def cited(text: str, sources: int) -> Cited:
    """Find what a whole answer cites.

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
