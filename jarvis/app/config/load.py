"""Reads the configuration, and says where an error is."""

import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from jarvis.app.config.environment import read
from jarvis.app.config.explain import ConfigError, explain, merge
from jarvis.app.config.schema import Config

DEFAULT_PATH = Path("jarvis.toml")


@dataclass(frozen=True)
class Source:
    """Values, and where they come from."""

    name: str
    values: dict[str, Any]


def load(
    path: Path | None = None, sets: Iterable[str] = (), environ: Mapping[str, str] = os.environ
) -> Config:
    """Return the configuration.

    Args:
        path: the file; None is `jarvis.toml` in the current folder, which need not exist.
        sets: `key=value` pairs; a key is a dotted TOML key, a value is TOML or a bare text.
        environ: the environment.

    Raises:
        ConfigError: it is wrong; the text names the source, the key, and what is allowed.
    """
    sources = [_file(path), Source("environment", read(environ)), *(_set(pair) for pair in sets)]
    merged: dict[str, Any] = {}
    for source in sources:
        merged = merge(merged, source.values)
    try:
        return Config.model_validate(merged)
    except ValidationError as error:
        lines = (_origin(e["loc"], sources) + explain(Config, e) for e in error.errors())
        raise ConfigError("\n".join(lines)) from None


def _file(path: Path | None) -> Source:
    if path is None and not DEFAULT_PATH.exists():
        return Source("defaults", {})
    path = path or DEFAULT_PATH
    try:
        return Source(str(path), tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror}"
    except UnicodeDecodeError as error:
        msg = f"{path}: is not UTF-8: {error.reason} at byte {error.start}"
    except tomllib.TOMLDecodeError as error:
        twice = any(said in str(error) for said in (" twice", "Cannot overwrite"))
        hint = "; a name stands there twice: give one of them another" if twice else ""
        msg = f"{path}: is not TOML: {error}{hint}"
    raise ConfigError(msg)


def _set(pair: str) -> Source:
    key, found, value = pair.partition("=")
    for text in (value, f'"{value}"', f"'{value}'") if found else ():
        try:
            return Source(f"--set {pair}", tomllib.loads(f"{key} = {text}"))
        except tomllib.TOMLDecodeError:
            continue
    hint = (
        "a key with other characters than letters, digits, - and _ needs quotes" if found else "there is no ="
    )
    msg = f"--set {pair}: not of the form key=value: {hint}"
    raise ConfigError(msg)


def _origin(path: tuple[int | str, ...], sources: list[Source]) -> str:
    """Return the strongest source that sets the longest part of the path; none if there is no path."""
    for depth in range(len(path), 0, -1):
        for source in reversed(sources):
            value: Any = source.values
            for step in path[:depth]:
                value = value.get(step) if isinstance(value, dict) else None
            if value is not None:
                return f"{source.name}: "
    return f"{sources[0].name}: " if path else ""
