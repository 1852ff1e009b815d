"""The conformance kit of rerankers finds what is wrong: it runs on adapters that each have one fault."""

import pytest

pytestmark = pytest.mark.slow

FOUND_BY = {
    "Sorted": "test_the_order_of_documents_is_kept",
    "Arrays": "test_info",
    "NotFinite": "test_info",
    "Restless": "test_info",
    "Relative": "test_scores_every_document_alone_and_with_others_alike",
    "Noisy": "test_the_same_call_gives_the_same_scores",
    "Constant": "test_documents_have_different_scores",
    "Deaf": "test_a_score_depends_on_the_query",
    "Backwards": "test_a_document_that_answers_is_better_than_an_unrelated_one",
    "RefusesLong": "test_a_document_that_is_too_long_is_counted_whole_and_cut_off",
    "ReadsOn": "test_a_document_that_is_too_long_is_counted_whole_and_cut_off",
    "CountsWhatItReads": "test_a_document_that_is_too_long_is_counted_whole_and_cut_off",
    "CountsPadding": "test_counts_each_document_for_itself",
    "CountsNoQuery": "test_counts_more_tokens_in_a_longer_document",
    "Mixes": "test_calls_at_once_do_not_mix",
    "FallsWithTheFirst": "test_a_cancelled_call_harms_no_other",
    "Blocks": "test_the_event_loop_runs_on_while_it_scores",
    "Sick": "test_is_healthy",
    "SlowHealth": "test_health_is_told_at_once",
    "SortsItsInput": "test_leaves_its_input_as_it_is",
    "EndsWhenCancelled": "test_a_cancelled_call_harms_no_other",
    "DescriptorPerCall": "test_many_calls_leave_nothing_behind",
    "TaskPerCall": "test_many_calls_leave_nothing_behind",
    "Lax": "test_refuses_settings_that_it_does_not_know",
}


def test_every_fault_is_found_and_a_small_one_only_where_it_is(run_kit):
    missed, failures = run_kit(
        "faulty_reranker", "RerankerConformance", FOUND_BY, whole="Blocks", seconds=5.0
    )
    assert not missed
    assert failures == {FOUND_BY["Blocks"]}
