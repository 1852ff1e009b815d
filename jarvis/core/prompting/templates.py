"""Templates: Jinja2 in a sandbox, where a variable that does not exist is an error."""

from collections.abc import Mapping
from difflib import get_close_matches

import jinja2
from jinja2 import meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

from jarvis_ports.errors import FieldViolation, InvalidArgument

_JINJA = ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined, autoescape=False)
_JINJA.globals.clear()


class BadTemplate(ValueError):
    """A template cannot be used; the text says which, and why."""


class Template:
    """A text for models, in one language or several, and the sampling that goes with it.

    Args:
        name: its name.
        texts: the sources by language; one under None is for all of them.
        variables: the names that the texts may use, and their values unless a request sets others.
        temperature: for requests that set none.
        max_tokens: for requests that set none.

    Raises:
        BadTemplate: a text is no template, names a variable that does not exist, raises, or is empty.
    """

    def __init__(
        self,
        name: str,
        texts: Mapping[str | None, str],
        variables: Mapping[str, str],
        *,
        temperature: float | None = None,
        max_tokens: int | None = None,
    ) -> None:
        self.name = name
        self.temperature = temperature
        self.max_tokens = max_tokens
        self._variables = dict(variables)
        self._texts = {}
        for language, source in texts.items():
            try:
                self._texts[language] = _compiled(source, variables)
            except BadTemplate as error:
                where = f"{name} ({language})" if language else name
                msg = f"{where}: {error}"
                raise BadTemplate(msg) from None

    def language(self, asked: str | None, *known: str | None) -> str | None:
        """Choose a language: the one asked for, else the first known one that it has, else its first.

        Raises:
            InvalidArgument: it is not there in the language asked for.
        """
        if None in self._texts:
            return None
        if asked and asked not in self._texts:
            languages = ", ".join(sorted(language or "" for language in self._texts))
            raise InvalidArgument.of(
                "language", f"the template {self.name!r} is not there in {asked!r}; there is {languages}"
            )
        return next((one for one in (asked, *known) if one in self._texts), next(iter(self._texts)))

    def check_names(self, variables: Mapping[str, str]) -> None:
        """Check that the template has these variables.

        Raises:
            InvalidArgument: naming each that it has not.
        """
        if unknown := [name for name in variables if name not in self._variables]:
            has = f"it has {', '.join(self._variables)}" if self._variables else "it has none"
            description = f"the template {self.name!r} has no such variable; {has}"
            raise InvalidArgument(
                [FieldViolation(f"template_variables[{name}]", description) for name in unknown]
            )

    def render(self, language: str | None, variables: Mapping[str, str]) -> str:
        """Write the text, with the values that a request sets.

        Raises:
            InvalidArgument: there is no such variable, or the template fails with these values.
        """
        self.check_names(variables)
        try:
            text = self._texts[language].render({**self._variables, **variables}).strip()
        except Exception as error:
            msg = f"the template {self.name!r} fails with these values: {error}"
            raise InvalidArgument.of("template_variables", msg) from error
        if not text:
            msg = f"the template {self.name!r} is empty with these values"
            raise InvalidArgument.of("template_variables", msg)
        return text


def _compiled(source: str, variables: Mapping[str, str]) -> jinja2.Template:
    """Compile a text, and try it with the values that its variables have."""
    try:
        unknown = meta.find_undeclared_variables(_JINJA.parse(source)) - set(variables)
        template = _JINJA.from_string(source)
    except jinja2.TemplateSyntaxError as error:
        msg = f"line {error.lineno}: {error.message}"
        raise BadTemplate(msg) from None
    for name in sorted(unknown):
        near = get_close_matches(name, variables, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        has = f" (variables: {', '.join(variables)})" if variables else "; set it in the template's variables"
        msg = f"the variable {name!r} does not exist{hint}{has}"
        raise BadTemplate(msg)
    try:
        text = template.render(variables)
    except Exception as error:  # noqa: BLE001 - as above
        msg = f"it fails: {error}"
        raise BadTemplate(msg) from None
    if not text.strip():
        msg = "it is empty"
        raise BadTemplate(msg)
    return template
