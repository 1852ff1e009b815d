"""Which elements of a page are not shown."""

import soupsieve
from bs4 import BeautifulSoup, Tag

from jarvis.documents.styles import hides, rules, style

UNSEEN = (
    "title, script, style, nav, template, noscript, svg, iframe, noframes, noembed, canvas, audio, video, "
    'datalist, rp, dialog:not([open]), [hidden]:not([hidden="until-found" i]), [aria-hidden="true" i]'
)
"""What browsers do not show, and what is no text of the page."""
MOST_RULES = 300
"""The most rules of a page's style sheets that are looked at, of those that hide something."""


def remove_hidden(page: BeautifulSoup) -> None:
    """Take out of a page what is not shown: by its kind, its attributes, or the page's own style sheets."""
    styled = [element for element in page.select("[style]") if hides(style(str(element["style"])))]
    for element in [*_by_sheets(page), *styled, *page.select(UNSEEN)]:
        if not element.decomposed:
            element.decompose()


def _by_sheets(page: BeautifulSoup) -> list[Tag]:
    """Find what a rule hides and no later one shows; which of two is more specific is not looked at."""
    found: dict[int, Tag] = {}
    hiding = 0
    for selector, declared in (rule for sheet in page("style") for rule in rules(sheet.get_text())):
        hidden = hides(declared)
        if not (hidden or (found and declared.keys() & {"display", "visibility", "opacity"})):
            continue
        try:
            compiled = soupsieve.compile(selector)
        except (soupsieve.SelectorSyntaxError, NotImplementedError):  # of what is no element, as ::before
            continue
        if not hidden:
            found = {key: element for key, element in found.items() if not compiled.match(element)}
        elif (hiding := hiding + 1) <= MOST_RULES:
            found |= {id(element): element for element in compiled.select(page)}
    return list(found.values())
