"""Gathers all that is wrong with a request, so that its caller is told at once."""

from collections.abc import Callable, Iterator

from jarvis_ports.errors import FieldViolation, InvalidArgument

Check = Callable[[], object]
"""Raises InvalidArgument where something is wrong."""


class Violations:
    """Gathers the violations of one request.

    Who cannot read a field blames it, and goes on with a value that is as good as any: what the checks find
    wrong with that value is not told.
    """

    def __init__(self) -> None:
        self._unread: list[FieldViolation] = []
        self._errors: list[InvalidArgument] = []

    def blame(self, field: str, description: str) -> None:
        """Note that a field cannot be read."""
        self._unread.append(FieldViolation(field, description))

    def note(self, check: Check) -> None:
        """Note what a check finds."""
        try:
            check()
        except InvalidArgument as error:
            self._errors.append(error)

    def refuse(self, *others: Check) -> None:
        """Raise all that was noted, where anything was, with what other checks find beside it.

        Raises:
            InvalidArgument: naming every field that is wrong; the very error where one check alone found it.
        """
        if not (self._unread or self._errors):
            return
        for check in others:
            self.note(check)
        if len(self._errors) == 1 and not self._unread:
            raise self._errors[0]
        raise InvalidArgument([*self._unread, *self._found()])

    def _found(self) -> Iterator[FieldViolation]:
        for error in self._errors:
            for one in error.violations:
                if not any(_is_in(one.field, unread.field) for unread in self._unread):
                    yield one


def _is_in(field: str, other: str) -> bool:
    return field == other or field.startswith((f"{other}.", f"{other}["))
