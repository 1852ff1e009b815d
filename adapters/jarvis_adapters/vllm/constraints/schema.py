"""Checks JSON schemas: llguidance refuses most of what it cannot honour, and this module refuses the rest.

What it honours: https://github.com/guidance-ai/llguidance/blob/main/docs/json_schema.md
"""

import json
import math
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from functools import partial
from typing import Any

from jarvis_adapters.vllm.constraints.ecma import in_rust
from jarvis_adapters.vllm.constraints.reasons import NOTHING
from jarvis_adapters.vllm.constraints.refused import Refused, pointer
from jarvis_adapters.vllm.constraints.settings import StructuredOutputSettings

MAPS = frozenset({"properties", "patternProperties", "$defs", "definitions"})
LISTS = frozenset({"anyOf", "allOf", "oneOf", "prefixItems"})
SINGLE = frozenset({"items", "additionalItems", "additionalProperties"})
BOUNDS = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"})
OTHERS = frozenset(
    {"type", "const", "enum", "required", "pattern", "format", "$ref", "$id", "$anchor"}
    | {f"{end}{of}" for end in ("min", "max") for of in ("Length", "Items", "Properties")}
)
HONOURED = MAPS | LISTS | SINGLE | BOUNDS | OTHERS
ANNOTATIONS = frozenset(
    {"title", "description", "default", "examples", "example", "deprecated", "readOnly", "writeOnly"}
    | {"$comment", "discriminator", "externalDocs", "xml"}
)
"""The keywords of JSON Schema and OpenAPI that constrain nothing; left out, like those that begin with x-."""
DIGITS = 300
"""The most digits that an integer may have; a double has hardly more."""
DIALECTS = frozenset(
    {f"json-schema.org/draft-{draft}/schema" for draft in ("04", "06", "07")}
    | {f"json-schema.org/draft/{draft}/schema" for draft in ("2019-09", "2020-12")}
)


def canonical(text: str, limits: StructuredOutputSettings) -> dict[str, Any]:
    """Parse a schema, check it, and return it without what constrains nothing.

    Raises:
        Refused: a keyword is not honoured, or a bound is exceeded; the reason says which, and by how much.
    """
    try:
        parsed = json.loads(
            text, object_pairs_hook=_object, parse_float=_float, parse_int=_int, parse_constant=_constant
        )
        text.encode()
        json.dumps(parsed, ensure_ascii=False).encode()
    except RecursionError:
        raise Refused(f"is nested deeper than {limits.max_depth}") from None
    except json.JSONDecodeError as error:
        raise Refused(f"is no JSON: {error.msg} at line {error.lineno} column {error.colno}") from None
    except UnicodeEncodeError:
        raise Refused("has half of a surrogate pair, which no text has") from None
    if (depth := _depth(parsed)) > limits.max_depth:
        raise Refused(f"is nested {depth} deep; at most {limits.max_depth}")
    if not isinstance(parsed, dict | bool):
        raise Refused("has to be an object")
    if parsed is False:
        raise Refused(NOTHING)
    checked: dict[str, Any] = _Check(limits).schema({} if parsed is True else parsed, "")
    return checked


def subschemas(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:  # noqa: ANN401 - JSON
    """Yield the schemas in a checked schema, itself included, with their paths, the deepest first."""
    if not isinstance(schema, dict):
        return
    for key, value in schema.items():
        below = pointer(path, key)
        if key in MAPS:
            for name, inner in value.items():
                yield from subschemas(inner, pointer(below, name))
        elif key in LISTS | SINGLE and isinstance(value, list):
            for number, inner in enumerate(value):
                yield from subschemas(inner, pointer(below, number))
        elif key in SINGLE:
            yield from subschemas(value, below)
    yield path, schema


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise Refused(f"the key {twice!r} stands twice in one object")
    return found


def _float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise Refused(f"the number {text[:20]} is out of range")
    return number


def _int(text: str) -> int:
    if len(text) > DIGITS or int(float(text)) != int(text):
        raise Refused(f"the number {text[:20]} is none that a double holds")
    return int(text)


def _constant(text: str) -> float:
    raise Refused(f"{text} is no JSON")


def _depth(value: Any) -> int:  # noqa: ANN401 - JSON
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(_depth, inner), default=0)


class _Check:
    """Goes through a schema, and counts its properties and the items of its enums."""

    def __init__(self, limits: StructuredOutputSettings) -> None:
        self._limits = limits
        self._properties = 0
        self._enum_items = 0

    def schema(self, schema: Any, path: str) -> Any:  # noqa: ANN401 - JSON
        if isinstance(schema, bool):
            return schema
        if not isinstance(schema, dict):
            raise Refused("has to be a schema: an object, true or false", path or "/")
        for keyword, reason in _misused(schema):
            raise Refused(reason, pointer(path, keyword))
        found = {
            key: self._value(key, value, pointer(path, key))
            for key, value in schema.items()
            if not _constrains_nothing(key, value, path)
        }
        if found.get("enum") and not _takes_fractions(found.get("type")):
            # llguidance refuses an enum with a fraction in it.
            found["enum"] = [one for one in found["enum"] if not isinstance(one, float) or one.is_integer()]
            if not found["enum"]:
                raise Refused(NOTHING, pointer(path, "enum"))
        return found

    def _value(self, key: str, value: Any, path: str) -> Any:  # noqa: ANN401 - JSON
        self._count(key, value, path)
        if key in MAPS:
            return {name: self.schema(below, pointer(path, name)) for name, below in value.items()}
        if key in LISTS or (key == "items" and isinstance(value, list)):
            return [self.schema(below, pointer(path, number)) for number, below in enumerate(value)]
        return self.schema(value, path) if key in SINGLE else value

    def _count(self, key: str, value: Any, path: str) -> None:  # noqa: ANN401 - JSON
        kind, wanted = TYPES.get(key, (object, ""))
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not object):
            raise Refused(f"has to be {wanted}", path)
        if key in {"properties", "patternProperties", "required"}:
            if key != "required":
                self._properties += len(value)
            _at_most(self._limits.max_properties, max(self._properties, len(value)), "properties", path)
        if key == "enum":
            self._enum_items += len(value)
            _at_most(self._limits.max_enum_items, self._enum_items, "items of enums", path)
        patterns = value if key == "patternProperties" else [value] if key == "pattern" else ()
        for pattern in patterns:
            _at_most(self._limits.max_pattern_length, len(pattern), "characters of a pattern", path)
        try:
            meant = {in_rust(pattern) for pattern in patterns}
        except Refused as refused:
            raise Refused(str(refused), path) from None
        if len(meant) < len(patterns):
            raise Refused("has two patterns that mean the same", path)


TYPES: dict[str, tuple[Any, str]] = {
    **dict.fromkeys(MAPS, (dict, "an object")),
    **dict.fromkeys(LISTS | {"enum", "required"}, (list, "an array")),
    **dict.fromkeys(BOUNDS, (int | float, "a number")),
    **dict.fromkeys(("pattern", "format", "$ref", "$id", "$anchor"), (str, "a string")),
}


def _at_most(limit: int, count: int, what: str, path: str) -> None:
    if count > limit:
        raise Refused(f"{count} {what}; at most {limit}", path)


def _constrains_nothing(key: str, value: Any, path: str) -> bool:  # noqa: ANN401 - JSON
    """Return whether a keyword constrains nothing, and must be left out.

    Raises:
        Refused: the keyword constrains something, and is not honoured.
    """
    if key in HONOURED:
        return False
    if key in ANNOTATIONS or (key.startswith("x-") and key != "x-guidance"):
        return True
    if key == "uniqueItems" and value is False:
        return True
    if key == "$schema":
        if isinstance(value, str) and value.partition("://")[2].rstrip("#") in DIALECTS:
            return True
        raise Refused("is no dialect that is known", pointer(path, key))
    near = get_close_matches(key, HONOURED, n=1, cutoff=0.8)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise Refused(f"this keyword is not honoured{hint}", pointer(path, key))


def _misused(schema: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the keywords that llguidance accepts but does not honour as they stand, with the reasons."""
    for key, (rule, reason) in MISUSES.items():
        if key in schema and rule(schema):
            yield key, reason


def _number(value: Any) -> float:  # noqa: ANN401 - JSON
    return value if isinstance(value, int | float) else 0


def _narrow(schema: dict[str, Any], key: str) -> bool:
    """Return whether a range that leads away from zero, from an excluded whole number, is narrower than 1."""
    sign, opposites = (
        (1, "maximum exclusiveMaximum") if key.endswith("Minimum") else (-1, "minimum exclusiveMinimum")
    )
    bound = _number(schema[key])
    within = any(
        sign * (_number(schema[other]) - bound) < 1 for other in opposites.split() if other in schema
    )
    return within and bound * sign >= 0 and bound == int(bound) and schema.get("type") != "integer"


def _evaded(schema: dict[str, Any]) -> bool:
    """Return whether a name that is written with escapes evades its pattern, and meets other demands."""
    found = [schema.get("additionalProperties", True)]
    for key in ("properties", "patternProperties"):
        found += schema[key].values() if isinstance(schema.get(key), dict) else ()
    asked = [{} if one is True else one for one in found]
    return found[0] is not False and any(one != asked[0] for one in asked)


def _takes_fractions(types: Any) -> bool:  # noqa: ANN401 - JSON
    return types is None or "number" in (types if isinstance(types, list) else [types])


def _length(value: Any) -> int:  # noqa: ANN401 - JSON
    return len(value) if isinstance(value, list) else 0


MISUSES: dict[str, tuple[Callable[[dict[str, Any]], bool], str]] = {
    "patternProperties": (_evaded, "is honoured only beside additionalProperties: false"),
    "prefixItems": (
        lambda schema: "additionalItems" in schema or isinstance(schema.get("items"), list),
        "is of a newer dialect than additionalItems, and than items as an array",
    ),
    "additionalItems": (
        lambda schema: not isinstance(schema.get("items"), list),
        "means something only beside items as an array",
    ),
    "multipleOf": (lambda schema: _number(schema["multipleOf"]) <= 0, "has to be greater than 0"),
    **{
        key: (partial(_narrow, key=key), "is not honoured in a range of numbers this narrow")
        for key in ("exclusiveMinimum", "exclusiveMaximum")
    },
    "minProperties": (
        # Additional properties may have the same name twice, which makes one property of two.
        lambda schema: _number(schema["minProperties"]) > max(1, _length(schema.get("required"))),
        "is honoured up to 1, or to the number of required properties",
    ),
}
