"""Finds what grammars ask for, outside their literals, that would be ignored."""

import json
import re
from collections import Counter

LARK_ATOM = re.compile(
    r'(?P<text>"(?:\\.|[^"\\\n])*")(?P<colon>\s*:)?|(?:#|//)[^\n]*|/(?:\\.|[^/\\])+/|<[^<>\s]+>', re.DOTALL
)
"""Strings (those before a colon are keys of JSON), comments, regular expressions and special tokens."""
LARK_IGNORED = re.compile(r"\b(?:temperature|max_tokens|stop)\s*=|%llguidance\s*\{\s*[^}\s]")
LARK_IGNORED_KEY = "x-guidance"
GBNF_ATOM = re.compile(r'"(?:\\.|[^"\\])*"|\[(?:\\.|[^\]\\])*\]|#[^\r\n]*', re.DOTALL)
"""Strings, character classes, and comments."""
GBNF_RULE = re.compile(r"([\w-]+)\s*::=")


def ignored_in_lark(lark: str) -> str | None:
    """Return what a grammar asks for that the engine would ignore, as it is written in the grammar."""
    for atom in LARK_ATOM.finditer(lark):
        if atom["colon"] and _text(atom["text"]) == LARK_IGNORED_KEY:
            return LARK_IGNORED_KEY
    found = LARK_IGNORED.search(LARK_ATOM.sub('""', lark))
    return found and found[0]


def defined_twice_in_gbnf(gbnf: str) -> str | None:
    """Return the name of a rule that is defined more than once; all but the last would be ignored."""
    rules = Counter(GBNF_RULE.findall(GBNF_ATOM.sub('""', gbnf)))
    return next((name for name, count in rules.items() if count > 1), None)


def _text(literal: str) -> object:
    try:
        return json.loads(literal)
    except ValueError:
        return None
