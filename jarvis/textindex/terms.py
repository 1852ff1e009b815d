# ruff: noqa: S608 - the names of tables end in a number that the index gave, never in a caller's text
"""Turns a question in natural language into an FTS5 query."""

import json
import re
import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import accumulate, islice
from typing import NamedTuple

from jarvis.core.text import fold

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
_WORD = r"(?:[^\W_]|[\u0300-\u036f])+"
_WORDS = re.compile(_WORD)
_IDENTIFIERS = re.compile(rf"{_WORD}(?:_+{_WORD})+")


class MatchQuery(NamedTuple):
    """An FTS5 query, and how often it counts each term, by which its rank must be divided."""

    match: str
    counted: int


def match_query(
    connection: sqlite3.Connection, table: str, rows: int, text: str, least: int
) -> MatchQuery | None:
    """Return an FTS5 query for rows that match a text's words, or None if no row has any of them.

    An identifier such as `max_tokens` is searched for by its parts, and whole.

    Args:
        connection: where the table is.
        table: an FTS5 table.
        rows: how many rows it has.
        text: any text; FTS5 syntax has no meaning in it.
        least: the minimum number of rows to score, if that many have any of the terms.
    """
    common = max(COMMON_ROWS, rows // 4)
    terms = [f'"{term}"' for term in _terms(text)]
    counts = _counts(connection, table, terms, common + 1)
    present = sorted((count, term) for count, term in zip(counts, terms, strict=True) if count)
    usable = ([one for one in present if one[0] <= common] or present)[:USED]
    used = usable[: max(ENOUGH, 1 + sum(count < least for count, _ in usable))]  # the last has enough alone
    if not used:
        return None
    together = accumulate(count for count, _ in used)
    before = (0, *(count for count, _ in used))  # at least this many rows have a rarer term
    rarest = sum(
        number <= CANDIDATE_ROWS or sure < least for number, sure in zip(together, before, strict=False)
    )
    must, may = [[term for _, term in part] for part in (used[:rarest], used[rarest:])]
    if not may:
        return MatchQuery(_any(must), 1)
    # FTS5 has no optional terms. As `must` is here twice, so is `may`.
    return MatchQuery(f"({_any(must)}) AND ({_any([*must, *may, *may])})", 2)


def _terms(text: str) -> list[str]:
    text = fold(text).lower()
    found = Counter(_WORDS.findall(text))
    found.update(_IDENTIFIERS.findall(text))
    return [term for term, _ in islice(found.most_common(), CONSIDERED)]


def _any(terms: Iterable[str]) -> str:
    return " OR ".join(terms)


def _counts(connection: sqlite3.Connection, table: str, terms: Sequence[str], most: int) -> list[int]:
    """Count the rows with each term, up to `most`.

    This is one statement: after each, the thread waits for the interpreter while other threads compute.
    """
    count = f"SELECT count(*) FROM (SELECT 1 FROM {table} WHERE {table} MATCH term.value LIMIT ?)"
    query = f"SELECT json_group_array(({count})) FROM json_each(?) AS term"
    counts: list[int] = json.loads(connection.execute(query, (most, json.dumps(terms))).fetchone()[0])
    return counts
