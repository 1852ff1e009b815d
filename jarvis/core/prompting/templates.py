"""Templates: texts that a model gets before a conversation, in one language or several."""

from collections.abc import Mapping
from typing import Protocol

from jarvis_ports.errors import FieldViolation, InvalidArgument


class TemplateText(Protocol):
    """A compiled text with variables."""

    def render(self, variables: Mapping[str, str], /) -> str:
        """Return the text with these values.

        Raises:
            Exception: the text cannot be rendered with these values.
        """
        ...


class Template:
    """A text for models, in one language or several, and the sampling that goes with it.

    Args:
        name: its name.
        texts: the texts by language; one under None is for all languages.
        variables: the names that the texts may use, and their values unless a request sets others.
        temperature: the temperature of requests that set none.
        max_tokens: the most tokens of an answer, for requests that do not say.
    """

    def __init__(
        self,
        name: str,
        texts: Mapping[str | None, TemplateText],
        variables: Mapping[str, str],
        *,
        temperature: float | None = None,
        max_tokens: int | None = None,
    ) -> None:
        self.name = name
        self.temperature = temperature
        self.max_tokens = max_tokens
        self._variables = dict(variables)
        self._texts = texts

    def language(self, asked: str | None, *known: str | None) -> str | None:
        """Return a language: the one asked for, else the first known one that there is, else the first.

        Raises:
            InvalidArgument: the template does not exist in the language asked for.
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
            InvalidArgument: naming each variable that it does not have.
        """
        if unknown := [name for name in variables if name not in self._variables]:
            has = f"it has {', '.join(self._variables)}" if self._variables else "it has none"
            description = f"the template {self.name!r} has no such variable; {has}"
            raise InvalidArgument(
                [FieldViolation(f"template_variables[{name}]", description) for name in unknown]
            )

    def render(self, language: str | None, variables: Mapping[str, str]) -> str:
        """Return the text with the values that a request sets.

        Raises:
            InvalidArgument: there is no such variable, or the template fails or is empty with these values.
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
