"""The files of rules."""

import subprocess
from pathlib import Path

import pytest
import yaml

from jarvis.app.config import Config, SLOConfig
from jarvis.app.slo import generate, recorded_names

SHIPPED = Path(__file__).parents[2] / "deploy/prometheus"
CONFIGS = [
    SLOConfig(),
    SLOConfig(window_days=7, bad_codes=["INTERNAL"]),
    SLOConfig.model_validate(
        {
            "window_days": 90,
            "availability": {"objective": 0.9999999},
            "latency": {"objective": 0.01, "threshold_seconds": 0.1},
        }
    ),
]


def rules(config, kind):
    groups = yaml.safe_load(generate(config))["groups"]
    return [rule for group in groups for rule in group["rules"] if kind in rule]


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_promtool_takes_the_rules(check_rules, config):
    assert not check_rules(generate(config))


def test_the_shipped_rules_are_those_of_the_default_configuration():
    current = (SHIPPED / "rules.yml").read_text()
    assert current == generate(Config().slo), "run: jarvis slo rules --output deploy/prometheus/rules.yml"


def test_the_shipped_configuration_of_prometheus_is_right(promtool):
    subprocess.run([promtool, "check", "config", SHIPPED / "prometheus.yml"], check=True, capture_output=True)


def test_every_alert_has_what_a_person_who_is_woken_needs():
    for rule in rules(SLOConfig(), "alert"):
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert all(rule["annotations"][text] for text in ("summary", "description"))


def test_the_names_of_what_is_recorded():
    assert {rule["record"] for rule in rules(SLOConfig(), "record")} == set(recorded_names())


def test_an_alert_that_could_never_fire_is_left_out_and_said_so():
    config = SLOConfig.model_validate({"window_days": 90})
    left = {
        (rule["labels"]["slo"], rule["labels"]["window"])
        for rule in rules(config, "alert")
        if "slo" in rule["labels"]
    }
    assert left == {
        (slo, window)
        for slo in ("availability", "latency", "time_to_first_token")
        for window in ("1h", "6h", "1d", "3d")
        if slo == "availability" or window != "1h"
    }
    assert "# latency: no page over 1h: 2% of the budget cannot be spent in it" in generate(config)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('1h{slo="latency"} > 14.4', '1h{slo="latency"} > 144'),
        ('le=~"10([.]0)?"', 'le=~"1([.]0)?"'),
        ("[1h]", "[1d]"),
        ("/ 0.05", "/ 0.5"),
        ("\n      and ", "\n      or "),
    ],
)
def test_a_broken_rule_does_not_pass(disproved, scenario, traffic, right, wrong):
    """What proves the rules would notice."""
    text = generate(SLOConfig())
    spike = traffic("latency", (24 * 60, 100, 0), (20, 0, 100), (3, 0, 0))
    page = traffic("latency", (24 * 60, 100, 0), (60, 0, 100))
    firing = 'count(ALERTS{slo="latency", window="1h", alertstate="firing"})'
    burn = 'round(jarvis:slo_burn_rate:1h{slo="latency"}, 0.001)'
    end = 25 * 60
    fires = scenario(60, page, [(end, firing, {"{}": 1}), (end, burn, {'{slo="latency"}': 20})], every=end)
    end = 24 * 60 + 20
    silent = scenario(60, spike, [(end, firing, {})], every=end)
    assert not disproved(text, fires)
    assert not disproved(text, silent)
    broken = text.replace(right, wrong)
    assert broken != text
    assert disproved(broken, fires) or disproved(broken, silent)
