r"""Keeps the names of additional properties apart from those that a schema names.

llguidance excludes those names as they are usually written, but allows any escape in additional names, so
that "\u0061" evades what the schema asks of "a". Names that match a pattern have only one spelling.
"""

from collections.abc import Iterable
from typing import Any

from jarvis_adapters.vllm.constraints.ecma import in_rust
from jarvis_adapters.vllm.constraints.schema import LISTS, MAPS, SINGLE


def spelt_one_way(schema: Any) -> Any:  # noqa: ANN401 - JSON
    """Return an equivalent schema, with additional properties as a pattern if other properties are named.

    Its patterns are in Rust's form.
    """
    if not isinstance(schema, dict):
        return schema
    found = {key: _below(key, value) for key, value in schema.items()}
    names, additional = found.get("properties"), found.get("additionalProperties", True)
    if names and additional is not False and "patternProperties" not in found:
        # llguidance also applies to a property the patterns that its name matches.
        pattern = "" if additional in (True, {}) else f"^{_none_of(names)}$"
        found |= {"patternProperties": {pattern: additional}, "additionalProperties": False}
    return found


def _below(key: str, value: Any) -> Any:  # noqa: ANN401 - JSON
    if key == "pattern":
        return in_rust(value)
    if key == "patternProperties":
        return {in_rust(name): spelt_one_way(inner) for name, inner in value.items()}
    if key in MAPS:
        return {name: spelt_one_way(inner) for name, inner in value.items()}
    if key in LISTS | SINGLE and isinstance(value, list):
        return [spelt_one_way(inner) for inner in value]
    return spelt_one_way(value) if key in SINGLE else value


def _none_of(names: Iterable[str]) -> str:
    """Return a regular expression that matches all texts but these."""
    following: dict[str, list[str]] = {}
    for name in names:
        following.setdefault(_character(name[:1]), []).append(name[1:])
    ends = following.pop("", None)
    ways = [f"{first}{_none_of(rest)}" for first, rest in following.items()]
    other = f"[^{''.join(following)}]" if following else "(?s:.)"
    return f"(?:{'|'.join([*ways, f'{other}(?s:.*)'])}){'' if ends else '?'}"


def _character(text: str) -> str:
    return f"\\x{{{ord(text):x}}}" if text else ""
