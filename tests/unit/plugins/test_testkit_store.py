"""The store's conformance kit finds what is wrong: it runs on stores that each have one fault."""

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


def test_every_fault_is_found_and_a_small_one_only_where_it_is(run_kit):
    missed, failures = run_kit("faulty_store", "StoreConformance", FOUND_BY, whole="Merges")
    assert not missed
    assert failures == {FOUND_BY["Merges"]}
