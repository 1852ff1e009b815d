# ruff: noqa: S608 - the names of tables end in a number that the index gave, never in a caller's text
"""Turns a question in natural language into a query of FTS5."""

import re
import sqlite3
from collections import Counter
from itertools import islice

from jarvis.textindex.fold import fold

CONSIDERED = 256
"""Distinct terms of a query that are looked up: those that it repeats most, then its first."""
USED = 64
"""Of these, the terms that are searched for: the rarest."""
COMMON_ROWS = 1000
"""A term in more rows than this, and in more than a quarter of all, is not searched for beside rarer ones.

On 20,000 docstrings that took a fifth of the time and left MRR@10 as it was.
"""

# As the tokenizer unicode61 has it: letters and digits with the accents that follow them.
_WORD = r"(?:[^\W_]|[\u0300-\u036f])+"
_WORDS = re.compile(_WORD)
_IDENTIFIERS = re.compile(rf"{_WORD}(?:_+{_WORD})+")


def match_query(connection: sqlite3.Connection, table: str, rows: int, text: str) -> str | None:
    """Return an FTS5 query for rows with any of the text's words, or None where no row can have one.

    An identifier such as `max_tokens` is searched for by its parts, and whole.

    Args:
        connection: where the table is.
        table: an FTS5 table.
        rows: how many it has.
        text: anything; no syntax of FTS5 has a meaning in it.
    """
    common = max(COMMON_ROWS, rows // 4)
    counts = {term: _count(connection, table, term, common + 1) for term in _terms(text)}
    present = sorted((count, term) for term, count in counts.items() if count)
    rare = [term for count, term in present if count <= common] or [term for _, term in present]
    return " OR ".join(map(_quoted, rare[:USED])) or None


def _terms(text: str) -> list[str]:
    text = fold(text).lower()
    found = Counter(_WORDS.findall(text))
    found.update(_IDENTIFIERS.findall(text))
    return [term for term, _ in islice(found.most_common(), CONSIDERED)]


def _quoted(term: str) -> str:
    return f'"{term}"'


def _count(connection: sqlite3.Connection, table: str, term: str, most: int) -> int:
    """Count the rows with a term, up to `most`."""
    query = f"SELECT count(*) FROM (SELECT 1 FROM {table} WHERE {table} MATCH ? LIMIT ?)"
    found: int = connection.execute(query, (_quoted(term), most)).fetchone()[0]
    return found
