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
from jarvis.textindex.common import CommonTerms
from jarvis.textindex.schema import Collection

CONSIDERED = 256
"""The maximum number of a query's distinct terms that are looked up: the most repeated, then the first."""
USED = 10
"""The number of terms that are searched for: the rarest of those.

With 64, p95 of a search was a quarter longer. Among 2,621 docstrings, MRR@10 is .400 with 10, .402 with 64.
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
    connection: sqlite3.Connection, at: Collection, text: str, least: int, common: CommonTerms
) -> MatchQuery | None:
    """Return an FTS5 query for rows that match a text's words, or None if no row has any of them.

    An identifier such as `max_tokens` is searched for by its parts, and whole.

    Args:
        connection: where the table is.
        at: the collection that is searched.
        text: any text; FTS5 syntax has no meaning in it.
        least: the minimum number of rows to score, if that many have any of the terms.
        common: the terms that are known to be common, to which those that turn out to be are added.
    """
    most = max(COMMON_ROWS, at.rows // 4)
    terms = [f'"{term}"' for term in _terms(text)]
    unknown = [term for term in terms if not common.has(term, at)]
    counts = dict(zip(unknown, _counts(connection, f"words_{at.number}", unknown, most + 1), strict=True))
    for term in unknown:
        if counts[term] > most:
            common.add(term, at)
    found = sorted((counts.get(term, most + 1), term) for term in terms)
    present = [one for one in found if one[0]]
    used = ([one for one in present if one[0] <= most] or present)[:USED]
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
