"""Which CSS makes an element invisible."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import tinycss2
from tinycss2.color4 import parse_color

Style = dict[str, list[Any]]
"""The tokens of each declaration, by its name."""

_FAR = 900
"""CSS pixels beyond which an offset is off the screen."""
_TINY = 2
"""CSS pixels of letters that nobody can read."""
_PIXELS = {"px": 1.0, "pt": 4 / 3, "em": 16.0, "rem": 16.0, "vw": 10.0, "vh": 10.0, "%": 10.0}
"""About how many CSS pixels each unit has."""
_OFFSETS = ("left", "top", "right", "bottom", "inset", "text-indent", "margin-left", "margin-top")
_SIZES = ("width", "height", "max-width", "max-height")
_SCREENS = ("", "all", "screen", "only screen")


def rules(css: str) -> Iterator[tuple[str, Style]]:
    """Read the rules of a style sheet that hold on any screen: a selector, and what it declares."""
    return _rules(tinycss2.parse_stylesheet(css, skip_comments=True))


def _rules(found: Iterable[Any]) -> Iterator[tuple[str, Style]]:
    for rule in found:
        if rule.type == "qualified-rule":
            yield tinycss2.serialize(rule.prelude).strip(), style(rule.content)
        elif _on_screen(rule):
            yield from _rules(tinycss2.parse_rule_list(rule.content, skip_comments=True))


def _on_screen(rule: Any) -> bool:  # noqa: ANN401 - nodes of tinycss2 have no common type
    if rule.type != "at-rule" or rule.lower_at_keyword != "media" or not rule.content:
        return False
    return tinycss2.serialize(rule.prelude).strip().lower() in _SCREENS


def style(css: str | list[Any]) -> Style:
    """Read declarations."""
    declarations = tinycss2.parse_blocks_contents(css, skip_comments=True, skip_whitespace=True)
    return {
        one.lower_name: [token for token in one.value if token.type not in {"whitespace", "comment"}]
        for one in declarations
        if one.type == "declaration"
    }


def hides(style: Style) -> bool:
    """Tell whether an element is not seen: not drawn, see-through, too small, cut away, or off the screen."""
    return (
        _word(style, "display") == "none"
        or _word(style, "visibility") in {"hidden", "collapse"}
        or _word(style, "content-visibility") == "hidden"
        or _pixels(style, "opacity") < 0.05
        or _same_colour(style)
        or _pixels(style, "font-size") <= _TINY
        or any(_pixels(style, name) <= -_FAR for name in _OFFSETS)
        or (
            _word(style, "overflow") in {"hidden", "clip"}
            and any(_pixels(style, size) <= 1 for size in _SIZES)
        )
        or _cut_away(style)
    )


def _word(style: Style, name: str) -> str:
    value = style.get(name)
    return value[0].lower_value if value and value[0].type == "ident" else ""


def _pixels(style: Style, name: str) -> float:
    """Return the first number of a declaration, in CSS pixels; 100, which hides nothing, without one."""
    value = style.get(name)
    return 100.0 if not value or (found := _number(value[0])) is None else found


def _number(token: Any) -> float | None:  # noqa: ANN401 - tokens of tinycss2 have no common type
    match token.type:
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
        for name in ("color", "background-color" if "background-color" in style else "background")
    )
    return drawn is not None and (drawn == behind or (drawn != "currentcolor" and drawn.alpha == 0))


_CUTTING: tuple[tuple[str, str, Callable[[list[float]], bool]], ...] = (
    ("clip", "rect", lambda sizes: max(sizes) - min(sizes) <= 1),
    ("clip-path", "inset", lambda sizes: max(sizes) >= 50 * _PIXELS["%"]),
    ("clip-path", "circle", lambda sizes: sizes[0] <= 1),
    ("transform", "scale", lambda sizes: min(sizes) == 0),
    ("transform", "translate", lambda sizes: min(sizes) <= -_FAR),
    ("transform", "translatex", lambda sizes: min(sizes) <= -_FAR),
    ("transform", "translatey", lambda sizes: min(sizes) <= -_FAR),
)
"""Declarations and their functions that clip, scale or move an element out of sight, with these sizes."""


def _cut_away(style: Style) -> bool:
    for declared, name, hiding in _CUTTING:
        for token in style.get(declared, ()):
            if token.type == "function" and token.lower_name == name:
                sizes = [size for part in token.arguments if (size := _number(part)) is not None]
                if sizes and hiding(sizes):
                    return True
    return False
