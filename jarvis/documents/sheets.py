"""Reads the rules of style sheets, and decides which declarations win."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import tinycss2

Style = dict[str, list[Any]]
"""The tokens of each winning declaration, by its name."""
Rank = tuple[int, ...]
"""The specificity of a selector: the numbers of ids, classes and tags that it names."""
INLINE: Rank = (1_000_000,)
"""The rank of a style attribute, which is above all selectors."""

_SCREENS = ("", "all", "screen", "only screen")
_WIDE = 1280
"""The assumed width of the screen, in CSS pixels."""
_WIDTH = re.compile(r"\(\s*(min|max)-width\s*:\s*(\d+(?:\.\d+)?)\s*(px|r?em|)\s*\)")
_NAMES = {"background": "background-color", "overflow-x": "overflow", "overflow-y": "overflow"}
"""Declarations that are treated as others of nearly the same meaning."""


@dataclass(frozen=True, slots=True)
class Declared:
    """A declaration."""

    name: str
    tokens: list[Any]
    important: bool


Block = list[Declared]


@dataclass(frozen=True, slots=True)
class Rule:
    """What a style sheet declares for the elements of one selector."""

    selector: str
    rank: Rank
    block: Block
    of_class: str
    """A class that every such element has; empty if the selector names none."""


def rules(css: str) -> Iterator[Rule]:
    """Read the rules of a style sheet that apply on a screen, one for each selector in a list."""
    return _rules(tinycss2.parse_stylesheet(css, skip_comments=True))


def on_screen(media: str) -> bool:
    """Return whether a media query matches a desktop screen."""
    return any(map(_query_holds, media.lower().split(",")))


def _query_holds(query: str) -> bool:
    kind, *features = (part.strip() for part in query.split(" and "))
    if kind.startswith("("):
        kind, features = "", [kind, *features]
    return kind in _SCREENS and all(map(_fits, features))


def _fits(feature: str) -> bool:
    found = _WIDTH.fullmatch(feature)
    if not found:
        return False
    pixels = float(found[2]) * (1 if found[3] in {"px", ""} else 16)
    return pixels <= _WIDE if found[1] == "min" else pixels >= _WIDE


def block(css: str | list[Any]) -> Block:
    """Read the declarations of a block."""
    declarations = tinycss2.parse_blocks_contents(css, skip_comments=True, skip_whitespace=True)
    found = []
    for one in declarations:
        if one.type == "declaration":
            tokens = [token for token in one.value if token.type not in {"whitespace", "comment"}]
            name = _NAMES.get(one.lower_name, one.lower_name)
            if name == "font":
                name, tokens = "font-size", _size_in(tokens)
            found.append(Declared(name, tokens, one.important))
    return found


def _size_in(font: list[Any]) -> list[Any]:
    """Return the tokens of a font from its size on; a number before that, such as 400, is a weight."""
    for place, token in enumerate(font):
        weight = token.type == "number" and token.value >= 1
        if token.type in {"dimension", "percentage", "function", "number"} and not weight:
            return font[place:]
    return font


def cascade(blocks: Iterable[tuple[Rank, Block]]) -> Style:
    """Return the style of an element: important declarations win, then more specific, then later ones."""
    found = [(declared.important, rank, declared) for rank, block in blocks for declared in block]
    found.sort(key=lambda each: each[:2])
    return {declared.name: declared.tokens for *_, declared in found}


def _rules(found: Iterable[Any]) -> Iterator[Rule]:
    for rule in found:
        if rule.type == "qualified-rule":
            declared = block(rule.content)
            for selector in _selectors(rule.prelude):
                text = tinycss2.serialize(selector).strip()
                yield Rule(text, _rank(selector), declared, _class(selector))
        elif rule.type == "at-rule" and rule.content and _holds(rule):
            yield from _rules(tinycss2.parse_rule_list(rule.content, skip_comments=True))


def _holds(rule: Any) -> bool:  # noqa: ANN401 - nodes of tinycss2 have no common type
    prelude = tinycss2.serialize(rule.prelude).strip().lower()
    match rule.lower_at_keyword:
        case "media":
            return on_screen(prelude)
        case "supports":
            return not prelude.startswith("not")
        case keyword:
            return bool(keyword == "layer")


def _selectors(prelude: Iterable[Any]) -> Iterator[list[Any]]:
    selector: list[Any] = []
    for token in prelude:
        if token.type == "literal" and token.value == ",":
            yield selector
            selector = []
        else:
            selector.append(token)
    yield selector


def _rank(selector: list[Any]) -> Rank:
    """Count what a selector names, including the arguments of functions such as `:not(…)`."""
    ids, classes, tags = 0, 0, 0
    before = ""
    for token in selector:
        if token.type == "hash":
            ids += 1
        elif token.type == "[] block" or (token.type == "ident" and before in {".", ":"}):
            classes += 1
        elif token.type == "ident":
            tags += 1
        elif token.type == "function" and token.lower_name != "where":
            within = _rank(token.arguments)
            ids, classes, tags = ids + within[0], classes + within[1], tags + within[2]
        before = token.value if token.type == "literal" else ""
    return ids, classes, tags


def _class(selector: list[Any]) -> str:
    """Return the last class that is named after the last combinator."""
    found, before = "", ""
    for token in selector:
        literal = token.value if token.type == "literal" else ""
        if token.type == "whitespace" or literal in {">", "+", "~"}:
            found = ""
        elif token.type == "ident" and before == ".":
            found = str(token.value)
        before = literal
    return found
