"""The names of collections, which stores may make folders of."""

import pytest

from jarvis.core.retrieval.validation import check_collection
from jarvis_ports.errors import InvalidArgument
from jarvis_ports.values import IndexSettings

BAD = [
    "..",
    "...",
    "../a",
    "a/b",
    "a\\b",
    "/etc/passwd",
    "~root",
    ".hidden",
    "a..",
    "a\0b",
    "a\n",
    "é" * 3,
    "",
    "a" * 64,
]


@pytest.mark.parametrize("name", BAD)
def test_no_name_leads_elsewhere(name):
    with pytest.raises(InvalidArgument) as caught:
        check_collection(name, IndexSettings())
    assert [violation.field for violation in caught.value.violations] == ["name"]


@pytest.mark.parametrize("name", ["abc", "a.b_c-1", "A" * 63])
def test_others_are_taken(name):
    check_collection(name, IndexSettings())
