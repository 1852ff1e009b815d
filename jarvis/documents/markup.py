"""Parses pages as browsers do, even if end tags are left out where HTML allows it."""

from itertools import islice
from typing import Any

from bs4 import BeautifulSoup, Tag

_DEEPEST = 512
"""The number of levels up that an open element is looked for; browsers nest no deeper."""
_BLOCKS = (
    "address article aside blockquote center details dialog dir div dl fieldset figcaption figure footer "
    "form h1 h2 h3 h4 h5 h6 header hgroup hr main menu nav ol p pre search section summary table ul"
)
_CELLS = frozenset({"td", "th"})
_BODIES = frozenset({"tbody", "thead", "tfoot", "caption", "colgroup"})
_TABLE = frozenset({"table", "template"})
_SCOPE = frozenset({*_CELLS, *_TABLE, "button", "caption", "object"})
_SPECIAL = frozenset({*_SCOPE, *_BLOCKS.split(), "body", "select", "iframe"} - {"address", "div", "p"})

_Closes = tuple[tuple[frozenset[str], frozenset[str]], ...]
_CLOSES: dict[str, _Closes] = {
    **dict.fromkeys(_BLOCKS.split(), ((frozenset({"p"}), _SCOPE),)),
    "li": ((frozenset({"li"}), _SPECIAL), (frozenset({"p"}), _SCOPE)),
    **dict.fromkeys(("dd", "dt"), ((frozenset({"dd", "dt"}), _SPECIAL), (frozenset({"p"}), _SCOPE))),
    "option": ((frozenset({"option"}), _SPECIAL),),
    "optgroup": ((frozenset({"option"}), _SPECIAL), (frozenset({"optgroup"}), _SPECIAL)),
    **dict.fromkeys(("rb", "rp", "rt"), ((frozenset({"rb", "rp", "rt"}), _SPECIAL | {"ruby"}),)),
    **dict.fromkeys(_CELLS, ((_CELLS, _TABLE | {"tr"}), (frozenset({"caption", "colgroup"}), _TABLE))),
    "tr": ((frozenset({"tr"}), _TABLE), (frozenset({"caption", "colgroup"}), _TABLE)),
    **dict.fromkeys(_BODIES, ((_BODIES, _TABLE),)),
}
"""The open elements that each start tag ends, and the elements in between that prevent it."""


class Page(BeautifulSoup):  # type: ignore[misc] # the library is not followed
    """A page of HTML."""

    def __init__(self, markup: str) -> None:
        """Parse a page."""
        super().__init__(markup, "html.parser")

    def handle_starttag(self, name: str, *args: Any, **kwargs: Any) -> Tag | None:  # noqa: ANN401 - passed on
        """End the elements whose end tags were left out, then begin an element and return it."""
        for closed, apart in _CLOSES.get(name, ()):
            self._end(closed, apart)
        return super().handle_starttag(name, *args, **kwargs)

    def _end(self, closed: frozenset[str], apart: frozenset[str]) -> None:
        if not any(self.open_tag_counter.get(name) for name in closed):
            return
        for element in islice(reversed(self.tagStack), _DEEPEST):
            if element.name in closed:
                self.handle_endtag(element.name)
                return
            if element.name in apart:
                return
