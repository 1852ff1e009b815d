"""The conformance kit of estimators finds what is wrong: it runs on adapters that each have one fault."""

import pytest

pytestmark = pytest.mark.slow

FOUND_BY = {
    "Unbounded": "test_estimates_any_text[one letter]",
    "Negative": "test_estimates_any_text[empty]",
    "Fractions": "test_estimates_any_text[one word]",
    "NeedsAWord": "test_estimates_any_text[white space]",
    "NeedsUnicode": "test_estimates_any_text[lone surrogates]",
    "ShowsAll": "test_estimates_any_text[a megabyte]",
    "ShowsWhatCannotBeSent": "test_estimates_any_text[lone surrogates]",
    "NamesLanguages": "test_estimates_any_text[a question]",
    "Unsorted": "test_estimates_any_text[a question]",
    "NotANumber": "test_estimates_any_text[a question]",
    "Nameless": "test_estimates_any_text[a question]",
    "Backwards": "test_a_greeting_is_not_harder_than_a_proof[es]",
    "Remembers": "test_the_same_text_has_the_same_estimate_whatever_came_before",
    "Mixes": "test_texts_at_once_do_not_mix",
    "LeftLocked": "test_a_cancelled_caller_leaves_it_working",
    "Sick": "test_is_healthy",
    "SickOfLength": "test_estimates_any_text[one letter]",
    "SlowHealth": "test_health_is_told_at_once",
    "Slow": "test_is_quick",
    "Blocks": "test_the_event_loop_runs_on_while_it_works",
    "TaskPerText": "test_many_calls_leave_nothing_behind",
    "Lax": "test_refuses_settings_that_it_does_not_know",
}


def test_every_fault_is_found_and_where_there_is_none_nothing(run_kit):
    missed, failures = run_kit(
        "faulty_estimator", "EstimatorConformance", FOUND_BY, whole="Faultless", seconds=1
    )
    assert not missed
    assert failures == set()
