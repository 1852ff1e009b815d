"""Translates regular expressions of JSON schemas from ECMA 262's form to Rust's, which llguidance reads."""

import re

from jarvis_adapters.vllm.constraints.refused import Refused

ESCAPE = r"\\(?:x[\da-fA-F]{2}|u[\da-fA-F]{4}|u\{[\da-fA-F]+\}|[pP]\{[\w=]+\}|.)"
TOKEN = re.compile(
    rf"(?P<escape>{ESCAPE})|\[(?P<not>\^?)(?P<class>(?:\\.|[^\]\\])*)\]"
    r"|\(\?(?P<flags>[a-zA-Z-]*)(?P<end>[:)])|\(\?P?<[^=!>][^>]*>|(?P<spaced>\{(?=[^}]*\s)[\d,\s]*\})|.",
    re.DOTALL,
)
MEMBER = re.compile(rf"{ESCAPE}|.", re.DOTALL)
SETS = {
    "d": "0-9",
    "w": "0-9A-Za-z_",
    "s": r"\t\n\x0B\f\r \u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000\uFEFF",
}
ANY_IN_LINE = r"[^\n\r\u2028\u2029]"
FLAGS = frozenset("ims-")
"""The flags of ECMA 262, which mean the same in Rust; Rust refuses anchors beside m."""
RUSTS = frozenset("aAzUxupP")
"""The escapes that mean something to Rust alone, unless a number or name that ECMA 262 knows follows."""
BROKEN = {"[": "unclosed character class", "\\": "incomplete escape sequence"}
OPERATORS = frozenset(r"\[]^-&~")
"""The characters that have a meaning in Rust's character classes."""


def in_rust(pattern: str) -> str:
    """Return a regular expression that means to Rust what a pattern means to ECMA 262.

    What neither knows stays as it is, for Rust to refuse.

    Raises:
        Refused: Rust would accept the pattern, but with another meaning.
    """
    found, every = [], [False]
    for token in TOKEN.finditer(pattern):
        text, place = token[0], token.start() + 1
        if reason := "a quantifier with spaces is none of ECMA 262" if token["spaced"] else BROKEN.get(text):
            raise Refused(f"{reason} at character {place}")
        if token["class"] is not None:
            text = _class(token["not"], token["class"], place)
        elif token["escape"]:
            text = _escape(text, place)
        elif text[0] == "(":
            _follow(token["flags"] or "", token["end"], every, place)
        elif text == ")":
            every = every[:-1] or every
        elif text == "." and not every[-1]:
            text = ANY_IN_LINE
        found.append(text)
    return "".join(found)


def _follow(flags: str, end: str | None, every: list[bool], place: int) -> None:
    """Note whether a dot matches line breaks, for each open group, the innermost last."""
    if unknown := set(flags) - FLAGS:
        raise Refused(f"the flag {min(unknown)} is none of ECMA 262 at character {place}")
    if end != ")":
        every.append(every[-1])
    if "s" in flags:
        every[-1] = "s" in flags.partition("-")[0]


def _class(negated: str, members: str, place: int) -> str:
    if not members:
        if negated:
            return "(?s:.)"
        raise Refused(f"an empty character class matches no text at character {place}")
    atoms, found = MEMBER.findall(members), ""
    while atoms:
        if len(atoms) > 2 and atoms[1] == "-" and not (_is_set(atoms[0]) or _is_set(atoms[2])):
            found += f"{_member(atoms[0], place)}-{_member(atoms[2], place)}"
            del atoms[:3]
        else:
            found += _member(atoms.pop(0), place)
    return f"[{negated}{found}]"


def _is_set(atom: str) -> bool:
    return atom[0] == "\\" and atom[1:2] in {*"dDwWsSpP"}


def _member(atom: str, place: int) -> str:
    if len(atom) > 1:
        return _escape(atom, place)
    return f"\\{atom}" if atom in OPERATORS else atom


def _escape(text: str, place: int) -> str:
    kind = text[1]
    if kind.lower() in SETS:
        return f"[{'^' if kind.isupper() else ''}{SETS[kind.lower()]}]"
    if len(text) == len(r"\x") and kind in RUSTS:
        raise Refused(f"the escape {text} is none of ECMA 262 at character {place}")
    return kind if kind in "<>" else text
