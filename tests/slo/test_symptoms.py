"""Alerts that are about no budget."""

import pytest

from jarvis.app.config import SLOConfig

HALF_MINUTE = 30
UP = 'up{instance="a:8081",job="jarvis"}'
DROPPED = 'jarvis_log_records_dropped_total{instance="a:8081"}'
ADAPTER = 'jarvis_adapter_healthy{adapter="chroma",instance="a:8081",name="chroma",port="store"}'
BREAKER = 'jarvis_circuit_breaker_open{instance="a:8081",model="m"}'
BEGINS = 'jarvis_tls_certificate_not_before_seconds{instance="a:8081"}'
ENDS = 'jarvis_tls_certificate_not_after_seconds{instance="a:8081"}'
FOREVER = "x100"


def firing(alert):
    return f'count(ALERTS{{alertname="{alert}", alertstate="firing"}})'


@pytest.mark.parametrize(
    ("alert", "series", "steps"),
    [
        ("JarvisDown", {UP: f"1x10 0{FOREVER}"}, {10: False, 13: False, 16: True}),
        ("JarvisDown", {UP: "1x10 0x2 1x80"}, {13: False, 16: False, 40: False}),
        ("JarvisDown", {'up{job="other"}': f"1{FOREVER}"}, {3: False, 5: True}),
        ("JarvisLogRecordsDropped", {DROPPED: f"0{FOREVER}"}, {50: False}),
        (
            "JarvisLogRecordsDropped",
            {DROPPED: f"0x10 3{FOREVER}"},
            {10: False, 12: True, 45: False},
        ),
        ("JarvisLogRecordsDropped", {DROPPED: f"_x10 3{FOREVER}"}, {9: False, 12: True, 45: False}),
        ("JarvisAdapterUnhealthy", {ADAPTER: f"1x10 0{FOREVER}"}, {29: False, 32: True}),
        ("JarvisAdapterUnhealthy", {ADAPTER: "1x10 0x17 1x1 0x17 1x40"}, {29: False, 32: False, 50: False}),
        ("JarvisModelTriedLast", {BREAKER: f"0x10 1{FOREVER}"}, {29: False, 32: True}),
        ("JarvisModelTriedLast", {BREAKER: "0x10 1x1 0x1 1x1 0x1 1x1 0x1 1x1 0x1 1x40"}, {32: True}),
        ("JarvisModelTriedLast", {BREAKER: "0x10 1x10 0x80"}, {32: False, 50: False}),
        # It is valid for 1,000 s, and renewed at 1,320.
        (
            "JarvisCertificateExpires",
            {BEGINS: "0x43 1300x56", ENDS: "1000x43 2300x56"},
            {29: False, 41: True, 44: False},
        ),
    ],
)
def test_when_an_alert_fires(disproved, scenario, alert, series, steps):
    expected = [(step, firing(alert), {"{}": 1} if fires else {}) for step, fires in steps.items()]
    assert not disproved(SLOConfig(), scenario(HALF_MINUTE, series, expected))


def test_an_alert_says_what_is_wrong_and_what_to_do(disproved, scenario):
    story = scenario(HALF_MINUTE, {ADAPTER: f"0{FOREVER}"}, [])
    del story["promql_expr_test"]
    story["alert_rule_test"] = [
        {
            "eval_time": "15m",
            "alertname": "JarvisAdapterUnhealthy",
            "exp_alerts": [
                {
                    "exp_labels": {
                        "severity": "ticket",
                        "adapter": "chroma",
                        "instance": "a:8081",
                        "name": "chroma",
                        "port": "store",
                    },
                    "exp_annotations": {
                        "summary": "The store chroma is not well",
                        "description": "chroma on a:8081 has not been well for 10 minutes. "
                        "`jarvis status` says why.",
                    },
                }
            ],
        }
    ]
    assert not disproved(SLOConfig(), story)
