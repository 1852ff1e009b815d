"""All that is wrong with a request, in one error."""

from functools import partial

import pytest

from jarvis.core.violations import MOST_TOLD, Violations
from jarvis_ports.errors import FieldViolation, InvalidArgument, MessageTooLarge


def fails(*fields, kind=InvalidArgument):
    raise kind([FieldViolation(field, "is wrong") for field in fields])


def test_nothing_wrong_is_no_error_and_no_further_check():
    Violations().refuse(partial(fails, "a"))


def test_what_cannot_be_read_hides_only_what_stands_in_its_place():
    violations = Violations()
    violations.blame("rows[1]", "cannot be read")
    with pytest.raises(InvalidArgument) as caught:
        violations.refuse(partial(fails, "rows[1].text", "rows[10].text", "rows"), partial(fails, "rows[1]"))
    assert [one.field for one in caught.value.violations] == ["rows[1]", "rows[10].text", "rows"]


@pytest.mark.timeout(20)
def test_thousands_that_cannot_be_read_hold_no_one_up():
    violations = Violations()
    with pytest.raises(InvalidArgument) as caught:
        for position in range(30_000):
            violations.blame(f"messages[{position}].role", "cannot be read")
    assert len(caught.value.violations) == MOST_TOLD


def test_what_checks_find_hides_nothing():
    violations = Violations()
    violations.note(partial(fails, "texts", kind=MessageTooLarge))
    with pytest.raises(InvalidArgument) as caught:
        violations.refuse(partial(fails, "texts[1]"))
    assert [one.field for one in caught.value.violations] == ["texts", "texts[1]"]
    assert caught.value.reason == "INVALID_ARGUMENT"


def test_an_error_that_is_alone_keeps_its_reason():
    violations = Violations()
    violations.note(partial(fails, "texts", kind=MessageTooLarge))
    with pytest.raises(MessageTooLarge):
        violations.refuse(lambda: None)
