"""The signals of difficulty, and what each is worth.

They began as those of LiteLLM's complexity router (code, technical terms, reasoning markers, simple openers,
length, questions). The weights come from `python -m bench.difficulty.fit`, which fits them to the queries in
`bench/difficulty/tuned.jsonl` and `everyday.jsonl`.
"""

from enum import StrEnum
from typing import Final, NamedTuple


class SignalName(StrEnum):
    """The signals that move an estimate."""

    BASE = "base"
    """The start of every estimate; every text has it."""
    SMALL_TALK = "small_talk"
    """Greetings, thanks, jokes."""
    LOOKUP = "lookup"
    """A request for something with a short answer, such as a fact, a word or a sum."""
    BRIEF = "brief"
    """A request for a short answer, or for something short."""
    REWRITE = "rewrite"
    """A request to translate, correct or shorten a text, or to write a short one."""
    EXPLAIN = "explain"
    """A request for an explanation, or for instructions."""
    TECHNICAL = "technical"
    """A technical term: of computing, science, medicine, law or finance."""
    CODE = "code"
    """Source code, a command, or an error message."""
    MATHS = "maths"
    """A formula, or a term of mathematics."""
    COMPARE = "compare"
    """Alternatives, and words that weigh one thing against another."""
    REASONING = "reasoning"
    """A request for a proof, an analysis, a cause, a judgement, a design or a plan; or a puzzle."""
    CONSTRAINTS = "constraints"
    """Constraints that the answer has to respect."""
    HYPOTHESIS = "hypothesis"
    """Conditions, and talk of what could or should be."""
    PEOPLE = "people"
    """The people in a situation: we, she, my brother, the customers."""
    FIGURES = "figures"
    """Numbers, from the second on."""
    QUESTION = "question"
    """Questions."""
    SENTENCES = "sentences"
    """The sentences before the last."""
    MATERIAL = "material"
    """Quotation marks, and text below the request."""
    SHORT = "short"
    """Fewer than nine words; a single word gets all of its points."""
    LENGTH = "length"
    """The number of words: none of its points up to 12 words, all from 92 on."""


class Weight(NamedTuple):
    """How much the first find of a signal changes the log-odds."""

    easy: float
    """The amount added to the log-odds of easy against medium."""
    hard: float
    """The amount added to the log-odds of hard against medium."""


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
"""The numbers of words between which the points of `length` grow."""
FEW: Final = 9
"""The number of words from which a text is no longer short."""

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
"""The signals that do not come from single words."""


def worth(finds: int) -> float:
    """Return how many times its weight this many finds of a signal are worth: less than twice."""
    return 2 - 0.5 ** (finds - 1) if finds > 0 else 0.0
