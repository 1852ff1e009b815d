# ruff: noqa: S608 - the names of tables end in a number that the index gave, never in a caller's text
"""Turns a question in natural language into FTS5 queries."""

import json
import re
import sqlite3
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate, islice
from typing import NamedTuple

from jarvis.core.text import fold
from jarvis.textindex.common import CommonTerms

CONSIDERED = 256
"""The maximum number of a query's distinct terms that are looked up: the most repeated, then the first."""
USED = 64
"""The most terms that are searched for: the rarest of those."""
ENOUGH = 10
"""The number of terms that are searched for where these have as many rows as are wanted.

With all 64, p95 of a search was a quarter longer. Among 2,621 docstrings, with each first sentence as a
question, MRR@10 by words is .400 with 10 and .402 with 64.
"""
COMMON_ROWS = 1000
"""A term in more rows than this, and in more than a quarter of all, is not searched for alongside rarer ones.

On 20,000 docstrings, this took a fifth of the time and left MRR@10 as it was.
"""

CANDIDATE_ROWS = 1000
"""The number of rows that are scored: those with the rarest terms that together occur in no more rows.

BM25 is computed row by row. On 20,000 docstrings, scoring all rows with any of the terms took 2.7 times the
CPU time, and found no more: MRR@10 is .412 either way, and .403 with 500.
"""

# Words as the tokenizer unicode61 sees them: letters and digits, with the accents that follow them.
_WORD = r"(?:[^\W_]|[\u0300-\u036f])++"
_WORDS = re.compile(_WORD)
# It begins where a word does: tried at each letter of a long word, it would take the square of its length.
_IDENTIFIERS = re.compile(rf"(?<![^\W_])(?<![\u0300-\u036f]){_WORD}(?:_++{_WORD})++")


class Searched(NamedTuple):
    """The rows that are searched.

    Attributes:
        table: an FTS5 table.
        rows: how many rows it has.
        common: what is known of its terms.
        deleted: what `common.deleted` was before the transaction.
    """

    table: str
    rows: int
    common: CommonTerms
    deleted: int


def match_queries(
    connection: sqlite3.Connection, searched: Searched, text: str, least: int
) -> tuple[str, ...]:
    """Return FTS5 queries for the rows that match a text's words: none, one, or two that share no row.

    The scores of two can be compared, as they have the same terms. An identifier such as `max_tokens` is
    searched for by its parts, and whole.

    Args:
        connection: where the table is, in a transaction.
        searched: the rows.
        text: any text; FTS5 syntax has no meaning in it.
        least: the minimum number of rows to score, if that many have any of the terms.
    """
    used = _used(connection, searched, _terms(text), least)
    if not used:
        return ()
    together = accumulate(count for count, _ in used)
    before = (0, *(count for count, _ in used))  # at least this many rows have a rarer term
    rarest = sum(
        number <= CANDIDATE_ROWS or sure < least for number, sure in zip(together, before, strict=False)
    )
    must, may = [" OR ".join(term for _, term in part) for part in (used[:rarest], used[rarest:])]
    # FTS5 has no optional terms.
    return (f"({must}) AND ({may})", f"({must}) NOT ({may})") if may else (must,)


def _used(
    connection: sqlite3.Connection, searched: Searched, terms: Sequence[str], least: int
) -> list[tuple[int, str]]:
    """Return the terms that are searched for, each with the number of its rows, the rarest first."""
    table, rows, known, deleted = searched
    usual = max(COMMON_ROWS, rows // 4)
    common = {term for term in terms if known.least(term) > usual}
    counts = _counts(connection, table, [term for term in terms if term not in common], CANDIDATE_ROWS + 1)
    rare = [count for count in counts.values() if 0 < count <= CANDIDATE_ROWS]
    if len(rare) < ENOUGH or max(rare) < least:  # otherwise no others are used
        others = [term for term, count in counts.items() if count > CANDIDATE_ROWS]
        counts |= _counts(connection, table, others, 2 * usual)  # so many that they are common for long
        found = {term: count for term, count in counts.items() if count > usual}
        known.learn(found, deleted)
        common |= found.keys()
    present = ((count, term) for term, count in counts.items() if count and term not in common)
    usable = (sorted(present) or [(usual, term) for term in sorted(common)])[:USED]
    return usable[: max(ENOUGH, 1 + sum(count < least for count, _ in usable))]  # the last has enough alone


def _terms(text: str) -> list[str]:
    text = fold(text).lower()
    found = Counter(_WORDS.findall(text))
    found.update(_IDENTIFIERS.findall(text))
    return [f'"{term}"' for term, _ in islice(found.most_common(), CONSIDERED)]


def _counts(connection: sqlite3.Connection, table: str, terms: Sequence[str], most: int) -> dict[str, int]:
    """Count the rows with each term, up to `most`.

    This is one statement: after each, the thread waits for the interpreter while other threads compute.
    """
    if not terms:
        return {}
    count = f"SELECT count(*) FROM (SELECT 1 FROM {table} WHERE {table} MATCH term.value LIMIT ?)"
    query = f"SELECT json_group_array(({count})) FROM json_each(?) AS term"
    counts = json.loads(connection.execute(query, (most, json.dumps(terms))).fetchone()[0])
    return dict(zip(terms, counts, strict=True))
