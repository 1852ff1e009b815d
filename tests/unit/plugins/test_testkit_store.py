"""The store's conformance kit finds what is wrong: it runs on stores that each have one fault."""

import re

import pytest

pytestmark = pytest.mark.slow

FOUND_BY = {
    "KeepsTheOldSettings": "test_refuses_to_create_what_differs",
    "Merges": "test_replaces_rows",
    "Shuffles": "test_gets_in_the_order_asked_for",
    "FarthestFirst": "test_finds_the_nearest_first",
    "FiltersLate": "test_filters",
    "NotMeansThere": "test_filters",
    "StringsOnly": "test_keeps_rows_as_they_are",
    "CosineAlone": "test_finds_the_nearest_first",
    "ForgetsToDelete": "test_deletes_rows",
    "MakesWhatIsMissing": "test_knows_no_other_collection",
    "RebuildsInPlace": "test_keeps_the_old_one_of_a_rebuild_that_is_cut_off",
    "SeesGhosts": "test_finds_nothing_wrong",
    "Sick": "test_is_healthy",
    "Lax": "test_refuses_settings_that_it_does_not_know",
}
AUTHORS_TEST = "from jarvis_plugins.testkit.store import StoreConformance\n" + "".join(
    f"class Test{fault}(StoreConformance):\n    adapter = {fault!r}\n" for fault in FOUND_BY
)


@pytest.fixture
def failures(run_kit):
    """Run the kit on every faulty store; list "adapter: test" of what failed, without its parameters."""
    output = run_kit("faulty-store", "faulty_store.py", AUTHORS_TEST)
    return set(re.findall(r"^(?:FAILED|ERROR) test_faulty.py::Test(\w+::\w+)", output, re.MULTILINE))


def test_every_fault_is_found_and_a_small_one_only_where_it_is(failures):
    assert {f"{fault}::{test}" for fault, test in FOUND_BY.items()} <= failures
    assert {failure for failure in failures if failure.startswith("Merges")} == {"Merges::test_replaces_rows"}
