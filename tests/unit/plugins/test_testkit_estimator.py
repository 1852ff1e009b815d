"""The conformance kit of estimators finds what is wrong: it runs on adapters that each have one fault."""

import re

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
    "Lax": "test_refuses_settings_that_it_does_not_know",
}
AUTHORS_TEST = "from jarvis_plugins.testkit import EstimatorConformance\n" + "".join(
    f"class Test{fault}(EstimatorConformance):\n    adapter, seconds = {fault!r}, 1\n"
    for fault in (*FOUND_BY, "Faultless")
)


@pytest.fixture
def failures(run_kit):
    """Run the kit on every faulty adapter; list "adapter: test" of what failed."""
    output = run_kit("faulty-estimator", "faulty_estimator.py", AUTHORS_TEST)
    found = r"^(?:FAILED|ERROR) test_faulty.py::Test(\w+)::(test_\w+(?:\[.*?\])?)"
    return set(re.findall(found, output, re.MULTILINE))


def test_every_fault_is_found_and_where_there_is_none_nothing(failures):
    assert set(FOUND_BY.items()) <= failures
    assert not [test for fault, test in failures if fault == "Faultless"]
