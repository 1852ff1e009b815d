"""The signals of difficulty, and what each is worth.

They began as those of LiteLLM's complexity router (code, technical terms, reasoning markers, simple openers,
length, questions). The weights are what `python -m bench.difficulty.fit` finds with the queries in
`tuned.jsonl` and `everyday.jsonl` there.
"""

from enum import StrEnum
from typing import Final, NamedTuple


class SignalName(StrEnum):
    """What moves an estimate."""

    BASE = "base"
    """Every text has it."""
    SMALL_TALK = "small_talk"
    """Greetings, thanks, jokes."""
    LOOKUP = "lookup"
    """Asks for what has a short answer, such as a fact, a word or a sum."""
    BRIEF = "brief"
    """Asks for a short answer, or for something short."""
    REWRITE = "rewrite"
    """Asks for a text to be translated, corrected or shortened, or for a short one to be written."""
    EXPLAIN = "explain"
    """Asks for an explanation, or for instructions."""
    TECHNICAL = "technical"
    """A term of a trade: computing, science, medicine, law, finance."""
    CODE = "code"
    """Source code, a command, an error message."""
    MATHS = "maths"
    """A formula, or a term of mathematics."""
    COMPARE = "compare"
    """Alternatives, and words that weigh one thing against another."""
    REASONING = "reasoning"
    """Asks for a proof, an analysis, a cause, a judgement, a design or a plan; a puzzle."""
    CONSTRAINTS = "constraints"
    """What the answer has to respect."""
    HYPOTHESIS = "hypothesis"
    """Conditions, and what could or should be."""
    PEOPLE = "people"
    """Those whom a situation is about: we, she, my brother, the customers."""
    FIGURES = "figures"
    """Numbers, from the second on."""
    QUESTION = "question"
    """Questions."""
    SENTENCES = "sentences"
    """Sentences before the last."""
    MATERIAL = "material"
    """Quotation marks, and text below the request."""
    SHORT = "short"
    """Fewer than nine words; all of its points for one word."""
    LENGTH = "length"
    """Words: none of its points up to 12 of them, all from 92 on."""


class Weight(NamedTuple):
    """How the first find of a signal changes the odds, as a logarithm."""

    easy: float
    """What is added to the log-odds of easy against medium."""
    hard: float
    """What is added to the log-odds of hard against medium."""


WEIGHTS: Final[dict[SignalName, Weight]] = {
    SignalName.BASE: Weight(1, -1.6),
    SignalName.SMALL_TALK: Weight(3, 0.8),
    SignalName.LOOKUP: Weight(2.4, -0.4),
    SignalName.BRIEF: Weight(4, -1.4),
    SignalName.REWRITE: Weight(2.6, 0.8),
    SignalName.EXPLAIN: Weight(-6.2, -4.6),
    SignalName.TECHNICAL: Weight(-2.6, -3.2),
    SignalName.CODE: Weight(-2.4, -1.4),
    SignalName.MATHS: Weight(-0.4, 2.8),
    SignalName.COMPARE: Weight(0.4, 3.8),
    SignalName.REASONING: Weight(1.4, 5),
    SignalName.CONSTRAINTS: Weight(-1, 1.2),
    SignalName.HYPOTHESIS: Weight(-0.6, 1.6),
    SignalName.PEOPLE: Weight(-0.4, 1.8),
    SignalName.FIGURES: Weight(0.6, 2.6),
    SignalName.QUESTION: Weight(0.2, 1.2),
    SignalName.SENTENCES: Weight(0.2, 1.8),
    SignalName.MATERIAL: Weight(2.4, -1.6),
    SignalName.SHORT: Weight(6.8, 1.8),
    SignalName.LENGTH: Weight(1.6, 0.4),
}

SHORT: Final = 12
LONG: Final = 92
"""Words between which the points of `length` grow."""
FEW: Final = 9
"""Words from which on a text is not short."""

WITHOUT_KEYWORDS: Final = frozenset(
    {
        SignalName.BASE,
        SignalName.QUESTION,
        SignalName.SENTENCES,
        SignalName.MATERIAL,
        SignalName.SHORT,
        SignalName.LENGTH,
    }
)
"""Signals that are not in single words."""


def worth(finds: int) -> float:
    """Return how many times its weight so many finds of a signal are worth; less than twice."""
    return 2 - 0.5 ** (finds - 1) if finds > 0 else 0.0
