"""The conformance kit of caches finds what is wrong: it runs on adapters that each have one fault."""

import re

import pytest

pytestmark = pytest.mark.slow

FOUND_BY = {
    "Forgets": "test_a_miss_is_left_out",
    "RaisesOnMiss": "test_a_miss_is_left_out",
    "NoneOnMiss": "test_a_miss_is_left_out",
    "KeepsTheFirst": "test_the_last_value_of_a_key_holds",
    "EmptyIsAMiss": "test_values_come_back_as_they_were[empty]",
    "Cuts": "test_values_come_back_as_they_were[a megabyte]",
    "KeysAreText": "test_keys_are_any_bytes",
    "GivesViews": "test_values_come_back_as_they_were[zeros]",
    "KeepsTheCallersDict": "test_what_was_put_is_not_changed_from_outside",
    "Unbounded": "test_is_bounded_and_what_came_last_is_kept",
    "Sick": "test_is_healthy",
    "Lax": "test_refuses_settings_that_it_does_not_know",
}
AUTHORS_TEST = "from jarvis_plugins.testkit.cache import CacheConformance\n" + "".join(
    f"class Test{fault}(CacheConformance):\n    adapter, tight = {fault!r}, {{}}\n" for fault in FOUND_BY
)


@pytest.fixture
def failures(run_kit):
    """Run the kit on every faulty adapter; list "adapter: test" of what failed."""
    output = run_kit("faulty-cache", "faulty_cache.py", AUTHORS_TEST)
    found = r"^(?:FAILED|ERROR) test_faulty.py::Test(\w+)::(test_\w+(?:\[.*?\])?)"
    return set(re.findall(found, output, re.MULTILINE))


def test_every_fault_is_found_and_what_only_lacks_a_bound_only_there(failures):
    assert set(FOUND_BY.items()) <= failures
    assert {test for fault, test in failures if fault == "Unbounded"} == {FOUND_BY["Unbounded"]}
