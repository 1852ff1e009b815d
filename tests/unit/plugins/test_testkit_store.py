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
    "SlowHealth": "test_health_is_told_at_once",
    "NormalisesItsInput": "test_leaves_its_input_as_it_is",
    "NormalisesTheQuery": "test_leaves_its_input_as_it_is",
    "TakesIdsAway": "test_leaves_its_input_as_it_is",
    "KeepsTheCallersVectors": "test_what_was_written_is_not_changed_from_outside",
    "Blocks": "test_the_event_loop_runs_on_while_it_works",
    "LocksItsReaders": "test_writes_wait_for_a_rebuild",
    "ThreadPerQuery": "test_many_calls_leave_nothing_behind",
    "ForgetsAll": "test_is_as_it_was_when_it_is_opened_again",
    "DeletesInMemory": "test_is_as_it_was_when_it_is_opened_again",
    "DropsInMemory": "test_is_as_it_was_when_it_is_opened_again",
    "ForgetsSettings": "test_is_as_it_was_when_it_is_opened_again",
    "RoundsVectors": "test_is_as_it_was_when_it_is_opened_again",
    "SavesWhenClosed": "test_what_was_acknowledged_survives_a_kill",
    "SavesSoon": "test_what_was_acknowledged_survives_a_kill",
    "Lax": "test_refuses_settings_that_it_does_not_know",
}


def test_every_fault_is_found_and_where_there_is_none_nothing(run_kit):
    missed, failures = run_kit("faulty_store", "StoreConformance", FOUND_BY, whole="Durable", seconds=5.0)
    assert not missed
    assert failures == set()
