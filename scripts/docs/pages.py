"""Puts the tables into the pages of docs/, and reports the pages whose tables differ from the code."""

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
TABLE = re.compile(r"<!-- table: (?P<name>.+?) -->\n.*?<!-- end -->", re.DOTALL)


def written(text: str, tables: Mapping[str, str]) -> str:
    """Return a page with its tables replaced by those of the code; unknown tables stay as they are."""

    def with_rows(found: re.Match[str]) -> str:
        if not (rows := tables.get(found["name"])):
            return found[0]
        return f"<!-- table: {found['name']} -->\n\n{rows}\n\n<!-- end -->"

    return TABLE.sub(with_rows, text)


def differences(pages: Mapping[str, str], tables: Mapping[str, str]) -> list[str]:
    """Return what is wrong with the tables of pages, which are given by name; empty if all are right."""
    named = Counter(found["name"] for text in pages.values() for found in TABLE.finditer(text))
    return [
        *(f"no page has the table {name!r}" for name in tables if not named[name]),
        *(f"{count} pages have the table {name!r}" for name, count in named.items() if count > 1),
        *(f"the code makes no table {name!r}" for name in named if name not in tables),
        *(
            f"a table of docs/{page} differs from the code; run make docs"
            for page, text in pages.items()
            if written(text, tables) != text
        ),
    ]


def read() -> dict[str, str]:
    """Return the text of every page, by the name of its file."""
    return {path.name: path.read_text() for path in sorted(DOCS.glob("*.md"))}
