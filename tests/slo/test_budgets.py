"""Whole stories, minute by minute, with the default objectives."""

from itertools import product

import pytest

from jarvis.app.config import SLOConfig

MINUTE = 60
CALLS = "rpc_server_call_duration_seconds_count"
FIRING = 'count by (window, severity) (ALERTS{slo="availability", alertstate="firing"})'
PAGE = 'count by (window, severity) (ALERTS{slo="availability", window="1h", alertstate="firing"})'
FAST_PAGE = '{severity="page", window="1h"}'
BURN = "jarvis:slo_burn_rate:5m"
REMAINING = "round(jarvis:slo_budget:remaining, 0.001)"


def calls(code, service="jarvis.v1.GenerationService", method="Generate", pod="a", error=""):
    labels = f'pod="{pod}",rpc_method="{service}/{method}",rpc_status_code="{code}",error_type="{error}"'
    return f"{CALLS}{{{labels}}}"


def test_an_outage_pages_within_minutes_and_stops_when_it_is_over(disproved, scenario, counter):
    failed = ["_"] * 61 + [str(100 * minute) for minute in range(1, 16)] + ["1500"] * 10
    series = {
        calls("OK"): counter((60, 100), (15, 0), (10, 100)),
        calls("UNAVAILABLE"): " ".join(failed),  # before the first one ever there is no such series
    }
    expected = [
        (minute, PAGE, {FAST_PAGE: 1} if fires else {})
        for minute, fires in {60: False, 62: False, 66: True, 75: True, 84: False}.items()
    ]
    assert not disproved(SLOConfig(), scenario(MINUTE, series, expected))


@pytest.mark.parametrize(
    ("service", "code"),
    [
        *product(["GenerationService", "EmbeddingService", "RetrievalService"], ["INTERNAL"]),
        *product(["GenerationService"], SLOConfig().bad_codes),
    ],
)
def test_failures_of_each_service_and_code_count(disproved, scenario, counter, service, code):
    series = {
        calls("OK", f"jarvis.v1.{service}"): counter((60, 90)),
        calls(code, f"jarvis.v1.{service}"): counter((60, 10)),
    }
    burn = f'round({BURN}{{slo="availability"}}, 0.001)'
    assert not disproved(
        SLOConfig(), scenario(MINUTE, series, [(60, burn, {'{slo="availability"}': 20})], 60)
    )


def test_what_callers_do_wrong_is_not_held_against_the_server(disproved, scenario, counter):
    series = {calls("OK"): counter((90, 10))} | {
        calls(code): counter((90, 1000))
        for code in ("INVALID_ARGUMENT", "CANCELLED", "NOT_FOUND", "UNAUTHENTICATED", "FAILED_PRECONDITION")
    }
    series[calls("RESOURCE_EXHAUSTED", error="LIMIT_EXCEEDED")] = counter((90, 1000))
    expected = [(90, FIRING, {}), (90, f'{BURN}{{slo="availability"}}', {f'{BURN}{{slo="availability"}}': 0})]
    assert not disproved(SLOConfig(), scenario(MINUTE, series, expected, every=90))


def test_what_is_not_promised_does_not_count(disproved, scenario, counter):
    series = {
        calls("INTERNAL", service): counter((90, 1000))
        for service in ("jarvis.v1.ServerService", "grpc.health.v1.Health", "x.jarvis.v1.GenerationService")
    }
    assert not disproved(SLOConfig(), scenario(MINUTE, series, [(90, FIRING, {}), (90, BURN, {})], every=90))


def test_without_traffic_there_is_no_rate_and_no_alert(disproved, scenario, traffic):
    series = {}
    for slo in ("availability", "latency", "time_to_first_token"):
        series |= traffic(slo, (10, 0, 100), (80, 0, 0))
    expected = [
        (90, BURN, {}),
        (90, 'count(ALERTS{slo!="", window="1h"})', {}),
    ]
    assert not disproved(SLOConfig(), scenario(MINUTE, series, expected, every=90))


def test_a_server_that_starts_again_has_no_failures_of_its_past(disproved, scenario):
    up = {"OK": [*range(0, 60000, 1000), *range(0, 30000, 1000)], "INTERNAL": [50] * 60 + [0] * 30}
    series = {calls(code): " ".join(map(str, values)) for code, values in up.items()}
    expected = [(step, 'count(ALERTS{window="1h"})', {}) for step in (58, 62, 70, 89)]
    assert not disproved(SLOConfig(), scenario(MINUTE, series, expected))


def test_an_hour_of_little_traffic_weighs_little(disproved, scenario, counter):
    """One replica fails at each of its few calls, beside one that serves many."""
    series = {
        calls("INTERNAL", pod="a"): counter((90, 1)),
        calls("OK", pod="b"): counter((90, 999)),
    }
    burn = f'round({BURN}{{slo="availability"}}, 0.001)'
    expected = [(90, burn, {'{slo="availability"}': 0.2}), (90, FIRING, {})]
    assert not disproved(SLOConfig(), scenario(MINUTE, series, expected, every=90))


@pytest.mark.parametrize(
    ("slo", "allowed"), [("availability", 0.005), ("latency", 0.05), ("time_to_first_token", 0.05)]
)
@pytest.mark.parametrize(("spent", "left"), [(0, 1), (0.2, 0.8), (1, 0), (3, -2)])
def test_what_remains_of_a_budget(disproved, scenario, traffic, slo, allowed, spent, left):
    bad = round(10_000 * allowed * spent)
    series = traffic(slo, (120, 10_000 - bad, bad))
    expected = [(120, REMAINING, {f'{{slo="{slo}"}}': left})]
    assert not disproved(SLOConfig(), scenario(MINUTE, series, expected, every=120))


def test_a_budget_forgets_what_is_older_than_its_window(disproved, scenario, traffic):
    config = SLOConfig(window_days=7)
    series = traffic("latency", (24, 0, 100), (6 * 24, 100, 0), (26, 100, 0))
    expected = [
        (7 * 24 - 1, 'jarvis:slo_budget:remaining{slo="latency"} < bool 0', {'{slo="latency"}': 1}),
        (8 * 24, REMAINING, {'{slo="latency"}': 1}),
    ]
    assert not disproved(config, scenario(3600, series, expected))


@pytest.mark.parametrize("bound", ["10", "10.0"])
def test_both_spellings_of_a_bound_are_understood(disproved, scenario, traffic, bound):
    series = traffic("latency", (60, 60, 40), le=bound)
    burn = f'round({BURN}{{slo="latency"}}, 0.001)'
    expected = [(60, burn, {'{slo="latency"}': 8})]
    assert not disproved(SLOConfig(), scenario(MINUTE, series, expected, every=60))


def test_a_threshold_with_a_fraction(disproved, scenario, counter):
    config = SLOConfig.model_validate({"time_to_first_token": {"threshold_seconds": 0.25}})
    name = "gen_ai_server_time_to_first_token_seconds"
    series = {
        f'{name}_bucket{{le="0.25"}}': counter((60, 90)),
        f'{name}_bucket{{le="2.5"}}': counter((60, 99)),
        f"{name}_count": counter((60, 100)),
    }
    burn = f'round({BURN}{{slo="time_to_first_token"}}, 0.001)'
    expected = [(60, burn, {'{slo="time_to_first_token"}': 2})]
    assert not disproved(config, scenario(MINUTE, series, expected, every=60))
