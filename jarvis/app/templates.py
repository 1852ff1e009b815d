"""Compiles templates: a bounded part of Jinja2, where a variable that does not exist is an error."""

from collections.abc import Collection, Mapping
from difflib import get_close_matches

import jinja2
from jinja2 import meta

from jarvis.app.config import ConfigError, PromptsConfig
from jarvis.app.sandbox import BoundedTemplate, parse
from jarvis.core.lifecycle.component import Component
from jarvis.core.prompting import Prompting, Template, Tier
from jarvis_ports.difficulty import DifficultyEstimator


class BadTemplate(ValueError):
    """A template cannot be used; the text says which, and why."""


def compile_template(
    name: str,
    sources: Mapping[str | None, str],
    variables: Mapping[str, str],
    *,
    temperature: float | None = None,
    max_tokens: int | None = None,
) -> Template:
    """Return a template, after trying each of its texts with the values of its variables.

    Args:
        name: its name.
        sources: its texts by language; one under None is for all languages.
        variables: the names that the texts may use, and their values unless a request sets others.
        temperature: for requests that set none.
        max_tokens: for requests that set none.

    Raises:
        BadTemplate: a text is not a template, names a variable that does not exist, raises, or is empty.
    """
    texts = {}
    for language, source in sources.items():
        try:
            texts[language] = _compiled(source, variables)
        except BadTemplate as error:
            where = f"{name} ({language})" if language else name
            msg = f"{where}: {error}"
            raise BadTemplate(msg) from None
    return Template(name, texts, variables, temperature=temperature, max_tokens=max_tokens)


def make_prompting(config: PromptsConfig, estimator: Component[DifficultyEstimator] | None) -> Prompting:
    """Return the use case of prompting, with every template read and checked.

    Raises:
        ConfigError: a template cannot be used.
    """
    templates = {}
    for name, template in config.templates.items():
        try:
            templates[name] = compile_template(
                name,
                template.texts,
                template.variables,
                temperature=template.temperature,
                max_tokens=template.max_tokens,
            )
        except BadTemplate as error:
            msg = f"prompts.templates.{error}"
            raise ConfigError(msg) from None
    tiers = [Tier(tier.template, tier.below) for tier in config.tiers]
    return Prompting(estimator, templates, tiers, automatic=config.automatic, language=config.language)


def _compiled(source: str, variables: Mapping[str, str]) -> BoundedTemplate:
    """Compile a text, and try it with the values of its variables."""
    try:
        tree = parse(source)
        _check_variables(meta.find_undeclared_variables(tree), variables)
        template = BoundedTemplate(tree)
    except jinja2.TemplateSyntaxError as error:
        msg = f"line {error.lineno}: {error.message}"
        raise BadTemplate(msg) from None
    except (RecursionError, SyntaxError):
        raise BadTemplate("it is nested too deep") from None
    try:
        text = template.render(variables)
    except Exception as error:  # noqa: BLE001 - as above
        msg = f"it fails: {error}"
        raise BadTemplate(msg) from None
    if not text.strip():
        msg = "it is empty"
        raise BadTemplate(msg)
    return template


def _check_variables(used: Collection[str], variables: Mapping[str, str]) -> None:
    """Check that the variables that a text uses exist.

    Raises:
        BadTemplate: naming the first that does not.
    """
    for name in sorted(set(used) - set(variables)):
        near = get_close_matches(name, variables, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        has = f" (variables: {', '.join(variables)})" if variables else "; set it in the template's variables"
        msg = f"the variable {name!r} does not exist{hint}{has}"
        raise BadTemplate(msg)
