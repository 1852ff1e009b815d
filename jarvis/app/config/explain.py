"""Turns a validation error into a line that says what to write instead."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails


class ConfigError(Exception):
    """The configuration is wrong; the text names where, the key, and what is allowed."""


def explain(model: type[BaseModel], error: ErrorDetails) -> str:
    """Return which key is wrong, and what is allowed there."""
    path = [str(step) for step in error["loc"]]
    key = ".".join(path)
    if error["type"] == "extra_forbidden":
        allowed = _keys(model, path[:-1])
        near = get_close_matches(path[-1], allowed, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        return f"{key}: unknown key{hint} (allowed: {', '.join(allowed)})"
    if error["type"] == "missing":
        return f"{key}: is required"
    message = error["msg"].removeprefix("Value error, ")
    given = error.get("input")
    shown = f" (given: {given!r})" if isinstance(given, str | int | float | bool) else ""
    return f"{key}: {message}{shown}" if key else message


def _keys(model: type[BaseModel], path: Iterable[str]) -> list[str]:
    """Return the keys of the table at `path`."""
    kind: Any = model
    for step in path:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            kind = kind.model_fields[step].annotation
        else:  # a table of tables: dict[str, Table]
            kind = kind.__args__[-1]
    return list(kind.model_fields)


def merge(weak: dict[str, Any], strong: dict[str, Any]) -> dict[str, Any]:
    """Return both tables as one; if both have a value, the strong one's wins."""
    merged = dict(weak)
    for key, value in strong.items():
        below = merged.get(key)
        merged[key] = merge(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged
