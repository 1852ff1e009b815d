"""Gathers all that is wrong with a request, so that its caller is told at once."""

from collections.abc import Callable, Iterator
from functools import partial

from jarvis_ports.errors import FieldViolation, InvalidArgument

Check = Callable[[], object]
"""Raises InvalidArgument where something is wrong."""


class Violations:
    """Those of one request.

    Who cannot read a field blames it, and goes on with a value that is as good as any: what is wrong with
    that value is not told.
    """

    def __init__(self) -> None:
        self._errors: list[InvalidArgument] = []

    def blame(self, field: str, description: str) -> None:
        """Note that a field is wrong."""
        self._errors.append(InvalidArgument.of(field, description))

    def note(self, check: Check) -> None:
        """Note what a check finds."""
        try:
            check()
        except InvalidArgument as error:
            self._errors.append(error)

    def refuse(self, *others: Check) -> None:
        """Raise all that was noted, where anything was, with what other checks find beside it.

        Raises:
            InvalidArgument: naming every field that is wrong; the very error where there is only one.
        """
        if not self._errors:
            return
        for check in others:
            self.note(check)
        if len(self._errors) == 1:
            raise self._errors[0]
        raise InvalidArgument(list(self._distinct()))

    def _distinct(self) -> Iterator[FieldViolation]:
        blamed: list[str] = []
        for error in self._errors:
            found = [one for one in error.violations if not any(map(partial(_is_in, one.field), blamed))]
            blamed += [one.field for one in found]
            yield from found


def _is_in(field: str, other: str) -> bool:
    return field == other or field.startswith((f"{other}.", f"{other}["))
