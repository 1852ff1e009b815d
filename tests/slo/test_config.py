"""What the table [slo] takes, and what is made of it."""

from typing import get_args

import grpc
import pytest

from jarvis.app.config import Config, ConfigError, load
from jarvis.app.config.operations import BadCode
from jarvis.app.slo import objectives
from jarvis.core.telemetry.figures import Objective
from jarvis.core.telemetry.objectives import MEASURED_BY

DAY = 86_400


def test_the_codes_are_those_of_grpc():
    assert get_args(BadCode) == tuple(code.name for code in grpc.StatusCode if code is not grpc.StatusCode.OK)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        (
            "slo.latency.threshold_seconds=3",
            "jarvis.query.latency: 0.1, 0.25, 0.5, 1, 2, 5, 10",
        ),
        ("slo.time_to_first_token.threshold_seconds=2", "gen_ai.server.time_to_first_token: 0.001, 0.005"),
        ('slo.bad_codes=["INTERNEL"]', "'INTERNAL'"),
        ('slo.bad_codes=["OK"]', "slo.bad_codes.0"),
        ("slo.bad_codes=[]", "at least 1"),
        ("slo.window_days=6", "7"),
        ("slo.availability.objective=1", "less than 1"),
    ],
)
def test_what_cannot_be_watched_is_refused(setting, message):
    with pytest.raises(ConfigError) as refused:
        load(None, [setting], {})
    assert setting.partition("=")[0] in str(refused.value)
    assert message in str(refused.value)


def test_one_key_of_an_objective_is_enough():
    config = load(None, ["slo.window_days=7", "slo.latency.objective=0.9"], {})
    assert objectives(config.slo) == [
        Objective("availability", 0.995, 7 * DAY),
        Objective("latency", 0.9, 7 * DAY, 10),
        Objective("time_to_first_token", 0.95, 7 * DAY, 1),
    ]


def test_each_objective_is_measured():
    assert [each.name for each in objectives(Config().slo)] == list(MEASURED_BY)
