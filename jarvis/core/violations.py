"""Gathers everything that is wrong with a request, so that its caller learns all of it at once."""

import re
from collections.abc import Callable, Iterator

from jarvis_ports.errors import FieldViolation, InvalidArgument

MOST_TOLD = 1000
"""The most fields that a caller is told of: to note each of 100,000 would hold up everybody else."""
Check = Callable[[], object]
"""A check that raises InvalidArgument if something is wrong."""


class Violations:
    """Gathers the violations of one request.

    A reader that cannot read a field blames it, and continues with an arbitrary value: what the checks find
    wrong with that value is not reported.
    """

    def __init__(self) -> None:
        self._unread: list[FieldViolation] = []
        self._errors: list[InvalidArgument] = []

    def blame(self, field: str, description: str) -> None:
        """Note that a field cannot be read; raise `InvalidArgument` once that is the case of very many."""
        self._unread.append(FieldViolation(field, description))
        if len(self._unread) >= MOST_TOLD:
            raise InvalidArgument(self._unread)

    def note(self, check: Check) -> None:
        """Note what a check finds."""
        try:
            check()
        except InvalidArgument as error:
            self._errors.append(error)

    def refuse(self, *others: Check) -> None:
        """Raise everything that was noted, if anything was, together with what other checks find.

        Raises:
            InvalidArgument: naming every field that is wrong; if one check found all of it, its own error.
        """
        if not (self._unread or self._errors):
            return
        for check in others:
            self.note(check)
        if len(self._errors) == 1 and not self._unread:
            raise self._errors[0]
        raise InvalidArgument([*self._unread, *self._found()])

    def _found(self) -> Iterator[FieldViolation]:
        unread = {one.field for one in self._unread}
        for error in self._errors:
            for one in error.violations:
                if unread.isdisjoint(_around(one.field)):
                    yield one


def _around(field: str) -> Iterator[str]:
    """Yield the path of a field, and those of all that it is in."""
    yield field
    for end in re.finditer(r"[.\[]", field):
        yield field[: end.start()]
