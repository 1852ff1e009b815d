"""The conformance kit of telemetry finds what is wrong: it runs on adapters that each have one fault."""

import pytest

pytestmark = pytest.mark.slow

FOUND_BY = {
    "Sick": "test_is_healthy",
    "CountsOnce": "test_counts",
    "HasItsOwnBuckets": "test_histograms_have_their_own_buckets",
    "TakesAnything": "test_what_is_no_measurement_harms_nothing[nan]",
    "ShowsAll": "test_only_the_labels_of_the_metric_are_shown",
    "LosesThreads": "test_nothing_is_lost_between_threads",
    "ReadsOnce": "test_a_gauge_is_read_each_time",
    "KeepsTheFirst": "test_a_second_read_takes_the_place_of_the_first",
    "Fragile": "test_a_gauge_that_fails_harms_no_other",
    "Hangs": "test_a_gauge_that_hangs_harms_no_other",
    "Silent": "test_counts",
    "Escapes": "test_labels_are_any_text",
    "Picky": "test_whatever_a_scraper_accepts_it_gets_a_page[a browser]",
    "OneAtATime": "test_pages_read_at_once_are_whole",
    "Shares": "test_two_have_nothing_in_common",
    "EndsHard": "test_calls_after_its_end_harm_nothing",
    "StartsAnew": "test_a_callers_trace_is_continued",
    "Orphans": "test_a_span_is_of_the_trace_of_the_span_around_it",
    "Mixes": "test_calls_at_once_do_not_mix",
    "TellsOfCallers": "test_malformed_contexts_harm_nothing_and_are_not_logged[empty]",
    "Trusts": "test_malformed_contexts_harm_nothing_and_are_not_logged[no context]",
    "Swallows": "test_errors_leave_a_span_as_they_are[another error]",
    "NeedsItsContext": "test_a_span_may_be_left_elsewhere",
    "TellsOfLateness": "test_what_is_said_of_a_span_too_late_is_ignored",
    "SlowHealth": "test_health_is_told_at_once",
    "Waits": "test_measuring_does_not_wait",
    "TakesLabelsAway": "test_leaves_its_input_as_it_is",
    "ThreadPerSpan": "test_many_calls_leave_nothing_behind",
    "LeavesItsThread": "test_is_healthy",
    "Lax": "test_refuses_settings_that_it_does_not_know",
}


def test_every_fault_is_found_and_where_there_is_none_nothing(run_kit):
    missed, failures = run_kit(
        "faulty_telemetry", "TelemetryConformance", FOUND_BY, whole="Faultless", seconds=3
    )
    assert not missed
    assert failures == set()
