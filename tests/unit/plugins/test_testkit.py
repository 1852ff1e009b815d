"""The conformance kit finds what is wrong: it runs on adapters that each have one fault."""

import pytest

pytestmark = pytest.mark.slow

FOUND_BY = {
    "Cumulative": "test_deltas_are_not_cumulative",
    "Unfinished": "test_counts_the_tokens_that_it_accepts[prompt]",
    "TalksOn": "test_counts_the_tokens_that_it_accepts[prompt]",
    "Unaccepted": "test_counts_the_tokens_that_it_accepts[prompt]",
    "Deaf": "test_stop_ends_the_answer_and_is_no_part_of_it",
    "Miscounts": "test_counts_the_tokens_that_it_accepts[messages]",
    "TellsAllIds": "test_token_ids_are_given_where_asked_for",
    "RefusesLate": "test_refuses_max_tokens_beyond_the_context_before_it_accepts",
    "Leaks": "test_closed_streams_leave_room",
    "Boasts": "test_capabilities",
    "NotTold": "test_counts_more_tokens_in_a_longer_system_message",
    "Garbles": "test_the_texts_of_tokens_make_the_text",
    "Sick": "test_is_healthy",
    "SlowHealth": "test_health_is_told_at_once",
    "BlocksInHealth": "test_is_healthy",
    "WaitsForStreams": "test_health_and_counts_do_not_wait_for_a_stream",
    "OneAtATime": "test_streams_run_at_once_and_do_not_mix",
    "AcceptsThenQueues": "test_streams_run_at_once_and_do_not_mix",
    "MixesStreams": "test_streams_run_at_once_and_do_not_mix",
    "OneDelta": "test_an_answer_comes_in_parts_as_it_is_made",
    "AllAtTheEnd": "test_an_answer_comes_in_parts_as_it_is_made",
    "EndsWhenCancelled": "test_cancelled_streams_leave_room",
    "Lax": "test_refuses_settings_that_it_does_not_know",
}
LEFT_FOUND_BY = {
    "Pumps": "test_closed_streams_leave_room",
    "TaskPerRequest": "test_many_calls_leave_nothing_behind",
    "ThreadPerRequest": "test_many_calls_leave_nothing_behind",
    "DescriptorPerRequest": "test_many_calls_leave_nothing_behind",
    "ProcessPerRequest": "test_many_calls_leave_nothing_behind",
    "WatchesOn": "test_is_healthy",
    "Blocks": "test_the_event_loop_runs_on_while_it_works",
    "Hangs": "test_deltas_are_not_cumulative",
    "TakesMessagesAway": "test_leaves_its_input_as_it_is",
}


def test_every_fault_is_found_and_a_small_one_only_where_it_is(run_kit):
    missed, failures = run_kit("faulty", "LLMConformance", FOUND_BY, whole="Cumulative", seconds=5.0)
    assert not missed
    assert failures == {FOUND_BY["Cumulative"]}


def test_what_is_left_behind_or_held_up_is_found(run_kit):
    whole = "TakesMessagesAway"
    missed, failures = run_kit(
        "faulty_leaks", "LLMConformance", LEFT_FOUND_BY, whole=whole, hangs=["Hangs"], seconds=5.0
    )
    assert not missed
    assert failures == {LEFT_FOUND_BY[whole]}
