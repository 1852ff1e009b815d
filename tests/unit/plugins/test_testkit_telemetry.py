"""The conformance kit of telemetry finds what is wrong: it runs on adapters that each have one fault."""

import re

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
    "Lax": "test_refuses_settings_that_it_does_not_know",
}
SLOW = "test_a_gauge_that_hangs_harms_no_other"
AUTHORS_TEST = "from jarvis_plugins.testkit import TelemetryConformance\n" + "".join(
    f"class Test{fault}(TelemetryConformance):\n    adapter, seconds = {fault!r}, 3\n"
    + (f"    {SLOW} = None\n" if found_by != SLOW else "")
    for fault, found_by in {**FOUND_BY, "Faultless": SLOW}.items()
)


@pytest.fixture
def failures(run_kit):
    """Run the kit on every faulty adapter; list "adapter: test" of what failed."""
    output = run_kit("faulty-telemetry", "faulty_telemetry.py", AUTHORS_TEST)
    found = r"^(?:FAILED|ERROR) test_faulty.py::Test(\w+)::(test_\w+(?:\[.*?\])?)"
    return set(re.findall(found, output, re.MULTILINE))


def test_every_fault_is_found_and_where_there_is_none_nothing(failures):
    assert set(FOUND_BY.items()) <= failures
    assert not [test for fault, test in failures if fault == "Faultless"]
