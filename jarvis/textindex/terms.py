# ruff: noqa: S608 - the names of tables end in a number that the index gave, never in a caller's text
"""Turns a question in natural language into a query of FTS5."""

import json
import re
import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import accumulate, islice
from typing import NamedTuple

from jarvis.core.text import fold

CONSIDERED = 256
"""Distinct terms of a query that are looked up: those that it repeats most, then its first."""
USED = 64
"""The number of terms that are searched for: the rarest of those."""
COMMON_ROWS = 1000
"""A term in more rows than this, and in more than a quarter of all, is not searched for beside rarer ones.

On 20,000 docstrings that took a fifth of the time and left MRR@10 as it was.
"""

CANDIDATE_ROWS = 1000
"""Rows that are scored: those with the rarest terms, as many of these as are together in no more rows.

BM25 is worked out row by row. On 20,000 docstrings, scoring all rows with any of the terms took 2.7 times the
CPU, and found no more: MRR@10 is .412 either way, and .403 with 500.
"""

# As the tokenizer unicode61 has it: letters and digits with the accents that follow them.
_WORD = r"(?:[^\W_]|[\u0300-\u036f])+"
_WORDS = re.compile(_WORD)
_IDENTIFIERS = re.compile(rf"{_WORD}(?:_+{_WORD})+")


class MatchQuery(NamedTuple):
    """A query of FTS5, and how often it counts each term: what its rank is to be divided by."""

    match: str
    counted: int


def match_query(
    connection: sqlite3.Connection, table: str, rows: int, text: str, least: int
) -> MatchQuery | None:
    """Return an FTS5 query for rows that suit a text's words, or None where no row can have one.

    An identifier such as `max_tokens` is searched for by its parts, and whole.

    Args:
        connection: where the table is.
        table: an FTS5 table.
        rows: how many it has.
        text: anything; no syntax of FTS5 has a meaning in it.
        least: how many rows to score at the least, where there are so many with any of the terms.
    """
    common = max(COMMON_ROWS, rows // 4)
    terms = [f'"{term}"' for term in _terms(text)]
    counts = _counts(connection, table, terms, common + 1)
    present = sorted((count, term) for count, term in zip(counts, terms, strict=True) if count)
    used = ([one for one in present if one[0] <= common] or present)[:USED]
    if not used:
        return None
    together = accumulate(count for count, _ in used)
    before = (0, *(count for count, _ in used))  # of so many rows at the least are those with a rarer term
    rarest = sum(
        number <= CANDIDATE_ROWS or sure < least for number, sure in zip(together, before, strict=False)
    )
    must, may = [[term for _, term in part] for part in (used[:rarest], used[rarest:])]
    if not may:
        return MatchQuery(_any(must), 1)
    # FTS5 knows no term that may be missing. As `must` is here twice, so is `may`.
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

    In one statement: at the end of each, the thread waits for the interpreter while others compute.
    """
    count = f"SELECT count(*) FROM (SELECT 1 FROM {table} WHERE {table} MATCH term.value LIMIT ?)"
    query = f"SELECT json_group_array(({count})) FROM json_each(?) AS term"
    counts: list[int] = json.loads(connection.execute(query, (most, json.dumps(terms))).fetchone()[0])
    return counts
