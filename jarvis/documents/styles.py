"""Decides whether CSS makes an element or its letters invisible."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from tinycss2.color4 import parse_color

from jarvis.documents.sheets import Style

_FAR = 900
"""The offset in CSS pixels beyond which an element is off the screen."""
_FAINT = 0.05
"""The opacity below which nobody can see an element."""
_TINY = 2
"""The largest font size, in CSS pixels, that nobody can read."""
_PIXELS = {"px": 1.0, "pt": 4 / 3, "em": 16.0, "rem": 16.0, "vw": 10.0, "vh": 10.0, "%": 10.0}
"""The approximate number of CSS pixels in each unit."""
_OFFSETS = ("left", "top", "right", "bottom", "inset", "text-indent", "margin-left", "margin-top")
_SIZES = ("width", "height", "max-width", "max-height")


class Why(StrEnum):
    """A reason why an element's letters are not seen; elements within it may still show theirs."""

    INVISIBLE = "visibility"
    TINY = "font-size"
    SAME_COLOUR = "color"


INHERITED = frozenset({*Why, "background-color"})
"""The properties that also decide about the letters of inner elements, unless those declare them."""
_RELATIVE = ("em", "ex", "ch")
_PARENTS = ("inherit", "unset", "revert", "larger", "smaller")


def hides(style: Style) -> bool:
    """Return whether an element is hidden with all that is in it, such as cut away or off the screen."""
    return (
        _word(style, "display") == "none"
        or _word(style, "content-visibility") == "hidden"
        or _share(style, "opacity") < _FAINT
        or _share(style, "scale") == 0
        or any(_pixels(style, name) <= -_FAR for name in _OFFSETS)
        or (
            _word(style, "overflow") in {"hidden", "clip"}
            and any(_pixels(style, size) <= 1 for size in _SIZES)
        )
        or _cut_away(style)
    )


def unreadable(style: Style) -> set[Why]:
    """Return the reasons why the letters of an element are not seen."""
    found = set()
    if _word(style, "visibility") in {"hidden", "collapse"}:
        found.add(Why.INVISIBLE)
    if _pixels(style, "font-size") <= _TINY:
        found.add(Why.TINY)
    if _same_colour(style):
        found.add(Why.SAME_COLOUR)
    return found


def readable(style: Style) -> set[Why]:
    """Return the reasons that may hide the letters around an element, but that its own style overrides."""
    found = {
        why for why in Why if why in style and _word(style, why) not in _PARENTS and not _relative(style, why)
    }
    if "background-color" in style and _word(style, "background-color") not in {*_PARENTS, "transparent"}:
        found.add(Why.SAME_COLOUR)
    return found - unreadable(style)


def _relative(style: Style, name: str) -> bool:
    """Return whether a size is relative to that of the element around it, which may be 0."""
    value = style[name]
    return bool(value) and (
        value[0].type == "percentage" or (value[0].type == "dimension" and value[0].lower_unit in _RELATIVE)
    )


def _word(style: Style, name: str) -> str:
    value = style.get(name)
    return value[0].lower_value if value and value[0].type == "ident" else ""


def _pixels(style: Style, name: str) -> float:
    """Return the first number of a declaration, in CSS pixels; without one, 100, which hides nothing."""
    value = style.get(name)
    return 100.0 if not value or (found := _number(value[0])) is None else found


def _share(style: Style, name: str) -> float:
    """Return the first number of a declaration, with 100% as 1; without one, 1."""
    value = style.get(name)
    if not value or (found := _number(value[0])) is None:
        return 1.0
    return found / (100 * _PIXELS["%"]) if value[0].type == "percentage" else found


def _number(token: Any) -> float | None:  # noqa: ANN401 - tokens of tinycss2 have no common type
    match token.type:
        case "function" if token.lower_name == "calc":
            within = [part for part in token.arguments if part.type != "whitespace"]
            return _number(within[0]) if len(within) == 1 else None
        case "number":
            return float(token.value)
        case "percentage":
            return float(token.value) * _PIXELS["%"]
        case "dimension":
            return float(token.value) * _PIXELS.get(token.lower_unit, 1.0)
        case _:
            return None


def _same_colour(style: Style) -> bool:
    drawn, behind = (
        next((colour for token in style.get(name, ()) if (colour := parse_color(token))), None)
        for name in ("color", "background-color")
    )
    return drawn is not None and (drawn == behind or (drawn != "currentcolor" and drawn.alpha < _FAINT))


_CUTTING: tuple[tuple[str, str, Callable[[list[float]], bool]], ...] = (
    ("clip", "rect", lambda sizes: max(sizes) - min(sizes) <= 1),
    ("clip-path", "inset", lambda sizes: max(sizes) >= 50 * _PIXELS["%"]),
    ("clip-path", "circle", lambda sizes: sizes[0] <= 1),
    ("clip-path", "polygon", lambda sizes: max(sizes) - min(sizes) <= 1),
    ("filter", "opacity", lambda sizes: sizes[0] < _FAINT),
    *(
        ("transform", name, lambda sizes: min(sizes) == 0)
        for name in ("scale", "scalex", "scaley", "scale3d")
    ),
    *(
        ("transform", name, lambda sizes: min(sizes) <= -_FAR)
        for name in ("translate", "translatex", "translatey", "translate3d")
    ),
)
"""Declarations and functions that clip, scale or move an element out of sight, and the sizes that do so."""


def _cut_away(style: Style) -> bool:
    for declared, name, hiding in _CUTTING:
        for token in style.get(declared, ()):
            if token.type == "function" and token.lower_name == name:
                sizes = [size for part in token.arguments if (size := _number(part)) is not None]
                if sizes and hiding(sizes):
                    return True
    return False
