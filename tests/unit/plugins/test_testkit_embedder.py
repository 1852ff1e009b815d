"""The conformance kit of embedders finds what is wrong: it runs on adapters that each have one fault."""

import pytest

pytestmark = pytest.mark.slow

FOUND_BY = {
    "Reordered": "test_the_order_of_texts_is_kept",
    "Doubles": "test_info",
    "Unnormalised": "test_info",
    "WrongDimension": "test_info",
    "Restless": "test_info",
    "Noisy": "test_the_same_call_gives_the_same_vectors",
    "PaddingLeaks": "test_embeds_every_text_alone_and_in_a_batch_alike[document]",
    "Constant": "test_different_texts_have_different_vectors",
    "Meaningless": "test_a_similar_text_is_nearer_than_an_unrelated_one",
    "RefusesLong": "test_a_text_that_is_too_long_is_counted_whole_and_cut_off",
    "ReadsOn": "test_a_text_that_is_too_long_is_counted_whole_and_cut_off",
    "CountsWhatItReads": "test_a_text_that_is_too_long_is_counted_whole_and_cut_off",
    "CountsPadding": "test_counts_each_text_for_itself",
    "Borrowed": "test_tokens_are_counted_in_other_threads_while_it_embeds",
    "Mixes": "test_calls_at_once_do_not_mix",
    "FallsWithTheFirst": "test_a_cancelled_call_harms_no_other",
    "Blocks": "test_the_event_loop_runs_on_while_it_embeds",
    "Sick": "test_is_healthy",
    "SlowHealth": "test_health_is_told_at_once",
    "OtherDimensionForQueries": "test_embeds_every_text_alone_and_in_a_batch_alike[query]",
    "OtherDimensionAlone": "test_embeds_every_text_alone_and_in_a_batch_alike[document]",
    "EmbedsTheFirst": "test_a_batch_may_be_large",
    "SortsItsInput": "test_leaves_its_input_and_its_results_as_they_are",
    "WritesOverItsResults": "test_leaves_its_input_and_its_results_as_they_are",
    "EndsWhenCancelled": "test_a_cancelled_call_harms_no_other",
    "ThreadPerCall": "test_many_calls_leave_nothing_behind",
    "LeavesItsPool": "test_the_same_call_gives_the_same_vectors",
    "Lax": "test_refuses_settings_that_it_does_not_know",
}


def test_every_fault_is_found_and_a_small_one_only_where_it_is(run_kit):
    missed, failures = run_kit(
        "faulty_embedder", "EmbedderConformance", FOUND_BY, whole="Blocks", seconds=5.0
    )
    assert not missed
    assert failures == {FOUND_BY["Blocks"]}
