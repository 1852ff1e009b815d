"""Prompt templates, and which of them is used for which difficulty."""

from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from pydantic import Field, ValidationInfo, field_validator, model_validator

from jarvis.app.config.section import Section

BUILT_IN: Final[dict[str, dict[str, Any]]] = {
    "chat": {"text": {"en": "Answer briefly and clearly:", "es": "Responde brevemente y claro:"}},
    "technical": {
        "text": {"en": "Explain technically, with examples:", "es": "Explica técnicamente con ejemplos:"}
    },
    "reasoning": {
        "text": {
            "en": "Think step by step before answering:",
            "es": "Piensa paso a paso antes de responder:",
        }
    },
}


class TierConfig(Section):
    """A range of difficulty, and the template for it."""

    template: str
    below: int | None = None


class TemplateConfig(Section):
    """What a model is told before a conversation. Either `text` or `file` gives it."""

    text: str | dict[str, str] | None = Field(
        None, description="The text, a Jinja2 template; or a table of texts by language, such as en and es."
    )
    file: str | dict[str, str] | None = Field(
        None, description="In place of it, the file that has the text; or a table of files by language."
    )
    temperature: float | None = Field(
        None, ge=0, le=2, description="The temperature of requests that set none."
    )
    max_tokens: int | None = Field(None, ge=1, description="The max_tokens of requests that set none.")
    variables: dict[str, str] = Field(
        {},
        description="The variables of the text, and their values unless a request sets others.",
    )

    @model_validator(mode="after")
    def _has_one_source(self) -> "TemplateConfig":
        if bool(self.text) == bool(self.file):
            msg = "set either text or file, and not empty"
            raise ValueError(msg)
        _ = self.texts  # this reports a file that cannot be read
        return self

    @cached_property
    def texts(self) -> dict[str | None, str]:
        """The texts, by language; one for all languages is under None.

        Raises:
            ValueError: a file cannot be read.
        """
        given = self.text or self.file or ""
        each = [(None, given)] if isinstance(given, str) else given.items()
        return {language: one if self.text else _read(Path(one)) for language, one in each}


class PromptsConfig(Section):
    """Which conversation is told what."""

    automatic: bool = Field(
        default=True,
        description="Whether a conversation without a system message gets the template of its difficulty.",
    )
    language: str = Field(
        "en", description="The language of templates where that of the text is not known, or not there."
    )
    tiers: list[TierConfig] = Field(
        [
            TierConfig(template="chat", below=30),
            TierConfig(template="technical", below=70),
            TierConfig(template="reasoning"),
        ],
        description="From easy to hard: a template, and the difficulty that it is for, `below` excluded. The "
        "last has no `below`.",
    )
    templates: dict[str, TemplateConfig] = Field(
        {},
        validate_default=True,
        description="The templates, by name; chat, technical and reasoning are built in, and can be changed.",
    )

    @field_validator("templates", mode="before")
    @classmethod
    def _add_built_in(cls, given: Any) -> Any:  # noqa: ANN401 - pydantic checks it next
        if not isinstance(given, dict):
            return given
        return {**BUILT_IN, **{name: _over_built_in(name, template) for name, template in given.items()}}

    @field_validator("templates")
    @classmethod
    def _names(cls, templates: dict[str, TemplateConfig], info: ValidationInfo) -> dict[str, TemplateConfig]:
        if "" in templates:
            msg = "a template needs a name that is not empty"
            raise ValueError(msg)
        for tier in info.data.get("tiers", []):
            if tier.template not in templates:
                msg = f"tiers name {tier.template!r}, which is not one of them ({', '.join(templates)})"
                raise ValueError(msg)
        return templates

    @field_validator("tiers")
    @classmethod
    def _rise(cls, tiers: list[TierConfig]) -> list[TierConfig]:
        ends = [tier.below for tier in tiers]
        if not ends or ends[-1] is not None or None in ends[:-1]:
            msg = "every tier but the last needs `below`, and the last must not have it"
            raise ValueError(msg)
        numbers = [0, *(end for end in ends if end is not None), 101]
        if any(low >= high for low, high in pairwise(numbers)):
            msg = f"`below` must rise, from 1 to 100, got {', '.join(map(str, ends[:-1]))}"
            raise ValueError(msg)
        return tiers


def _read(path: Path) -> str:
    try:
        return path.expanduser().read_text(encoding="utf-8")
    except OSError as error:
        msg = f"file {path}: cannot be read: {error.strerror}"
    except UnicodeDecodeError as error:
        msg = f"file {path}: is not UTF-8: {error.reason} at byte {error.start}"
    raise ValueError(msg)


def _over_built_in(name: str, given: Any) -> Any:  # noqa: ANN401 - as it was written
    """Complete a changed built-in template with what the change leaves out."""
    if not isinstance(given, dict) or name not in BUILT_IN:
        return given
    text = given.get("text", {})
    if "file" in given or not isinstance(text, dict):
        return given
    return {**given, "text": {**BUILT_IN[name]["text"], **text}}
