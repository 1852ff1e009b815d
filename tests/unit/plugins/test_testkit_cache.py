"""The conformance kit of caches finds what is wrong: it runs on adapters that each have one fault."""

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
    "SlowHealth": "test_health_is_told_at_once",
    "TakesItemsAway": "test_leaves_its_input_as_it_is",
    "SortsKeys": "test_leaves_its_input_as_it_is",
    "Blocks": "test_the_event_loop_runs_on_while_it_works",
    "DescriptorPerCall": "test_many_calls_leave_nothing_behind",
    "ForgetsWhenClosed": "test_values_are_there_when_it_is_opened_again",
    "KeepsTheFirstForLong": "test_values_are_there_when_it_is_opened_again",
    "SavesWhenClosed": "test_values_survive_a_kill",
    "Lax": "test_refuses_settings_that_it_does_not_know",
}


def test_every_fault_is_found_and_what_only_lacks_a_bound_only_there(run_kit):
    missed, failures = run_kit(
        "faulty_cache", "CacheConformance", FOUND_BY, whole="Durable", tight={}, durable=True
    )
    assert not missed
    assert failures == {FOUND_BY["Unbounded"]}
