"""Reads the environment, and says which variable is wrong and what to write instead."""

import json
from collections.abc import Mapping
from typing import Any, cast, get_args, get_origin

from pydantic import BaseModel
from pydantic_settings import BaseSettings, EnvSettingsSource

from jarvis.app.config.explain import ConfigError, merge
from jarvis.app.config.schema import Config

ENV_PREFIX = "JARVIS__"
FOLDERS = ("JARVIS_DATA_DIR", "JARVIS_CACHE_DIR")
"""The other variables that the server reads, by exactly these names."""


def read(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the settings of the environment; of two variables, the one with the longer path wins.

    Raises:
        ConfigError: a variable is wrong; the text names it, and says what to write.
    """
    for key in environ:
        meant = _folder(key) or _meant(key)
        if meant and meant != (key if meant in FOLDERS else key.upper()):
            msg = f"environment {key}: is no setting; {meant} is one"
            raise ConfigError(msg)
    ours = [key for key in environ if key.upper().startswith(ENV_PREFIX)]
    values: dict[str, Any] = {}
    for key in sorted(ours, key=lambda key: key.count("__")):
        values = merge(values, _values(key, environ[key]))
    return values


def _values(key: str, value: str) -> dict[str, Any]:
    section, *path = key[len(ENV_PREFIX) :].lower().split("__")
    if section not in Config.model_fields:
        msg = f"environment {key}: unknown key {section!r}; allowed: {', '.join(Config.model_fields)}"
        raise ConfigError(msg)
    if hint := _hint(key, _kind([section, *path]), value):
        msg = f"environment {key}: {hint} (given: {value!r})"
        raise ConfigError(msg)
    source = EnvSettingsSource(
        cast("type[BaseSettings]", Config),
        env_prefix=ENV_PREFIX,
        env_nested_delimiter="__",
        case_sensitive=False,
    )
    source.env_vars = {key.lower(): value}
    return source()


def _kind(path: list[str]) -> object:
    """Return the type of the setting at `path`; None if an adapter defines it, or it is unknown."""
    kind: object = Config
    for step in path:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            field = kind.model_fields.get(step)
            kind = field and field.annotation
        else:
            kind = get_args(kind)[-1] if get_origin(kind) is dict else None
    return kind


def _hint(key: str, kind: object, value: str) -> str | None:
    """Return what to write if a list or a table is wanted and the value is not one, else None."""
    keys = list(getattr(kind, "model_fields", ()))
    wanted = dict if keys else get_origin(kind)
    if wanted not in {list, dict}:
        return None
    try:
        fits = isinstance(json.loads(value), dict if wanted is dict else list)
    except ValueError:
        fits = False
    if fits:
        return None
    if keys:
        return f"is a section; set a key of it, such as {key}__{keys[0].upper()}"
    if wanted is dict:
        return f"is a table of names; set a key of it, such as {key}__NAME__…, or write it as JSON"
    if get_args(kind) == (str,):
        items = [item.strip() for item in value.split(",")]
        plain = not set(value) & set("[]{}\"'") and value.strip()
        example = json.dumps(items if plain else ["one", "another"])
        return f"is a list; write it as JSON: '{example}'"
    return "is a list of tables; write it as JSON: '[{…}, {…}]'"


def _folder(key: str) -> str | None:
    """Return the folder variable that a variable means, however it is written."""
    letters = key.upper().replace("_", "")
    return next((name for name in FOLDERS if name.replace("_", "") == letters), None)


def _meant(key: str) -> str | None:
    """Return the setting that a variable means, however many underscores separate the parts of its name.

    Other variables may begin with JARVIS_ too: Kubernetes makes some for a Service named jarvis.
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
