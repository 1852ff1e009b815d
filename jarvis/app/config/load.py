"""Reads the configuration, and says where an error stands."""

import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource

from jarvis.app.config.explain import explain
from jarvis.app.config.schema import Config

DEFAULT_PATH = Path("jarvis.toml")
ENV_PREFIX = "JARVIS__"


class ConfigError(Exception):
    """The configuration is wrong; the text names where, the key, and what is allowed."""


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
        ConfigError: naming the source, the key, and what is allowed.
    """
    sources = [_file(path), _environment(environ), *(_set(pair) for pair in sets)]
    merged: dict[str, Any] = {}
    for source in sources:
        merged = _merge(merged, source.values)
    try:
        return Config.model_validate(merged)
    except ValidationError as error:
        lines = (f"{_origin(e['loc'], sources)}: {explain(Config, e)}" for e in error.errors())
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


def _environment(environ: Mapping[str, str]) -> Source:
    ours = {key: value for key, value in environ.items() if key.upper().startswith(ENV_PREFIX)}
    for key in environ:
        meant = _meant(key)
        if meant and meant != key.upper():
            msg = f"environment {key}: is no setting; {meant} is one"
            raise ConfigError(msg)
    for key in ours:
        section = key[len(ENV_PREFIX) :].split("__")[0].lower()
        if section not in Config.model_fields:
            msg = f"environment {key}: unknown key {section!r}; allowed: {', '.join(Config.model_fields)}"
            raise ConfigError(msg)
    source = EnvSettingsSource(
        cast("type[BaseSettings]", Config),
        env_prefix=ENV_PREFIX,
        env_nested_delimiter="__",
        case_sensitive=False,
    )
    source.env_vars = {key.lower(): value for key, value in ours.items()}
    try:
        return Source("environment", source())
    except ValueError as error:  # a list or a table that is not JSON
        msg = f"environment {ENV_PREFIX}…: {error}; {error.__cause__}"
        raise ConfigError(msg) from None


def _meant(key: str) -> str | None:
    """Return the setting that a variable means, however many underscores are between the parts of its name.

    Other variables may begin with JARVIS_ too: those that Kubernetes makes for a Service named jarvis do.
    """
    name = key.upper()
    for section, field in Config.model_fields.items():
        top = f"{ENV_PREFIX}{section.upper()}"
        if name.startswith(top.replace("__", "_") + "__"):
            return top + "__" + name.partition("__")[2]
        keys = getattr(field.annotation, "model_fields", None)
        for setting in [top] if keys is None else [f"{top}__{below.upper()}" for below in keys]:
            if name.replace("__", "_") == setting.replace("__", "_"):
                return setting
    return None


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


def _merge(weak: dict[str, Any], strong: dict[str, Any]) -> dict[str, Any]:
    merged = dict(weak)
    for key, value in strong.items():
        below = merged.get(key)
        merged[key] = _merge(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _origin(path: tuple[int | str, ...], sources: list[Source]) -> str:
    """Return the strongest source that sets the longest part of the path."""
    for depth in range(len(path), 0, -1):
        for source in reversed(sources):
            value: Any = source.values
            for step in path[:depth]:
                value = value.get(step) if isinstance(value, dict) else None
            if value is not None:
                return source.name
    return sources[0].name
