"""Removes from a page the elements and the letters that are not shown."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import chain

import soupsieve
from bs4 import BeautifulSoup, Tag

from jarvis.documents.sheets import INLINE, Block, Rank, Rule, Style, block, cascade, on_screen, rules
from jarvis.documents.styles import INHERITED, Why, hides, readable, unreadable

UNSEEN = (
    "title, script, style, nav, template, noscript, svg, iframe, noframes, noembed, canvas, audio, video, "
    'datalist, rp, dialog:not([open]), [hidden]:not([hidden="until-found" i]), [aria-hidden="true" i]'
)
"""Elements that browsers do not show, or that are not part of the page's text."""
MOST_RULES = 300
"""The maximum number of hiding rules that are considered in a page's style sheets."""
MOST_LOOKS = 200_000
"""The maximum number of times that a rule is tried on an element, to see if it shows what another hides."""

_Styled = tuple[Tag, Style]


def remove_hidden(page: BeautifulSoup) -> None:
    """Remove what is not shown because of its kind, its attributes, or the page's own style sheets."""
    styled = _styled(page)
    gone = [element for element, style in styled.values() if hides(style)]
    for element in [*gone, *page.select(UNSEEN)]:
        if not element.decomposed:
            element.decompose()
    _remove_letters(page, styled)


def _remove_letters(page: BeautifulSoup, styled: dict[int, _Styled]) -> None:
    """Remove the letters that cannot be seen, but keep those of inner elements that can be."""
    within: list[tuple[Tag, set[Why]]] = [
        (element, set())
        for element in page.find_all()
        if id(element) in styled and unreadable(styled[id(element)][1])
    ]
    within.reverse()
    looked: dict[int, Tag] = {}
    while within:
        element, around = within.pop()
        if id(element) in looked:
            continue
        style = styled[id(element)][1] if id(element) in styled else {}
        if not (why := (around - readable(style)) | unreadable(style)):
            continue
        looked[id(element)] = element
        for child in list(element.children):
            if isinstance(child, Tag):
                within.append((child, why))
            else:
                child.extract()
    for element in reversed(looked.values()):
        if not element.contents:
            element.decompose()


def _styled(page: BeautifulSoup) -> dict[int, _Styled]:
    """Return the elements that a rule or a style attribute may hide, and those within, with their styles."""
    sheet = [rule for css in page("style") if _holds(css) for rule in rules(css.get_text())]
    inline = {id(element): (element, block(str(element["style"]))) for element in page.select("[style]")}
    own = ((element, cascade([(INLINE, of)])) for element, of in inline.values())
    doubtful = _doubtful(chain(_hidden_by(page, sheet), own))
    blocks: dict[int, list[tuple[Rank, Block]]] = {key: [] for key in doubtful}
    looks = 0
    for rule, found in _compared(sheet, doubtful):
        looks += len(found)
        if looks > MOST_LOOKS:
            break
        if found and (selector := _compiled(rule)):
            for key, element in found.items():
                if selector.match(element):
                    blocks[key].append((rule.rank, rule.block))
    for key in blocks.keys() & inline.keys():
        blocks[key].append((INLINE, inline[key][1]))
    return {key: (doubtful[key][0], cascade(of)) for key, of in blocks.items()}


def _compared(
    sheet: list[Rule], doubtful: dict[int, tuple[Tag, set[str]]]
) -> Iterator[tuple[Rule, dict[int, Tag]]]:
    """Yield each rule with the elements whose style it may decide."""
    deciding: dict[str, dict[int, Tag]] = defaultdict(dict)
    with_class: dict[str, set[int]] = defaultdict(set)
    for key, (element, names) in doubtful.items():
        for name in names:
            deciding[name][key] = element
        for name in element.get_attribute_list("class"):
            with_class[name].add(key)
    for rule in sheet:
        found: dict[int, Tag] = {}
        for declared in rule.block:
            of = deciding.get(declared.name, {})
            keys = with_class.get(rule.of_class, set()) if rule.of_class else of
            found |= {key: of[key] for key in keys if key in of}
        yield rule, found


def _doubtful(declared: Iterable[_Styled]) -> dict[int, tuple[Tag, set[str]]]:
    """Return the elements that one of these styles may hide, and the names of the deciding declarations."""
    found: dict[int, tuple[Tag, set[str]]] = {}

    def decide(element: Tag, names: Iterable[str]) -> None:
        found.setdefault(id(element), (element, set()))[1].update(names)

    for element, style in declared:
        if hides(style):
            decide(element, style)
        elif unreadable(style) and not (id(element) in found and found[id(element)][1] >= INHERITED):
            for each in (element, *element.find_all()):
                decide(each, INHERITED)
    return found


def _hidden_by(page: BeautifulSoup, sheet: list[Rule]) -> Iterator[_Styled]:
    """Yield the elements that a rule hides on its own, with the style that it declares."""
    by_class: dict[str, list[Tag]] = defaultdict(list)
    for element in page.select("[class]"):
        for name in set(element.get_attribute_list("class")):
            by_class[name].append(element)
    hiding = 0
    for rule in sheet:
        style = cascade([(rule.rank, rule.block)])
        if (hides(style) or unreadable(style)) and (selector := _compiled(rule)):
            if (hiding := hiding + 1) > MOST_RULES:
                return
            if rule.of_class:
                found = [element for element in by_class[rule.of_class] if selector.match(element)]
            else:
                found = selector.select(page)
            yield from ((element, style) for element in found)


def _holds(css: Tag) -> bool:
    """Return whether a style sheet applies to screens and is read by browsers."""
    kind = str(css.get("type", "")).strip().lower()
    return (
        kind in {"", "text/css"}
        and on_screen(str(css.get("media", "")))
        and css.find_parent(["noscript", "template"]) is None
    )


def _compiled(rule: Rule) -> soupsieve.SoupSieve | None:
    try:
        return soupsieve.compile(rule.selector)
    except (
        soupsieve.SelectorSyntaxError,
        NotImplementedError,
    ):  # a pseudo-element, such as ::before, selects no element
        return None
