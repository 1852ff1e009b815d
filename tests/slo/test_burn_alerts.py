"""Each alert on each budget, over series that are scaled to its windows.

A step is a tenth of the short window, so that it is 10 steps, and the long window 120. Rules are evaluated at
the end alone: these alerts have no memory.
"""

from itertools import product

import pytest

from jarvis.app.config import SLOConfig

SHORT, LONG = 10, 120
EVENTS = 100_000
"""A step."""

WINDOWS = {"1h": ("5m", 30), "6h": ("30m", 180), "1d": ("2h", 720), "3d": ("6h", 2160)}
"""By the long window: the short one, and the seconds of a step."""
CONFIGS = {
    "the defaults": (
        SLOConfig(),
        {"availability": 0.995, "latency": 0.95, "time_to_first_token": 0.95},
        {"1h": 14.4, "6h": 6, "1d": 3, "3d": 1},
    ),
    "a week": (
        SLOConfig.model_validate(
            {
                "window_days": 7,
                "bad_codes": ["INTERNAL"],
                "availability": {"objective": 0.999},
                "latency": {"objective": 0.9, "threshold_seconds": 10},
                "time_to_first_token": {"objective": 0.8, "threshold_seconds": 1},
            }
        ),
        {"availability": 0.999, "latency": 0.9, "time_to_first_token": 0.8},
        {"1h": 3.36, "6h": 1.4, "1d": 1, "3d": 1},
    ),
}


@pytest.fixture(params=product(CONFIGS, WINDOWS, CONFIGS["the defaults"][1]), ids=", ".join)
def alert(request):
    """Gives a configuration, a long window, an objective, and the burn rate that is too high."""
    config, window, slo = request.param
    settings, objectives, factors = CONFIGS[config]
    return settings, window, slo, factors[window], factors[window] * (1 - objectives[slo])


@pytest.fixture
def limit(alert):
    """The share of bad events that is too high."""
    return alert[-1]


@pytest.fixture
def run(alert, scenario, disproved, traffic):
    config, long, slo, factor, _ = alert
    short, seconds = WINDOWS[long]

    def prove(*phases, fires=False, above=()):
        """Check the alert, and which windows are above its rate, after phases of (steps, share of bad)."""
        end = sum(steps for steps, _ in phases)
        split = [(steps, EVENTS - (bad := round(EVENTS * share)), bad) for steps, share in phases]
        firing = f'count(ALERTS{{slo="{slo}", window="{long}", alertstate="firing"}})'
        expected = [(end, firing, {"{}": 1} if fires else {})]
        for name, window in {"short": short, "long": long}.items():
            burn = f'jarvis:slo_burn_rate:{window}{{slo="{slo}"}} > bool {factor}'
            expected.append((end, burn, {f'{{slo="{slo}"}}': int(name in above)}))
        assert not disproved(config, scenario(seconds, traffic(slo, *split), expected, every=end))

    return prove


def test_it_fires_just_above_its_rate(run, limit):
    run((LONG, 0), (LONG, limit * 1.05), fires=True, above={"short", "long"})


def test_it_is_silent_just_below_its_rate(run, limit):
    run((LONG, 0), (LONG, limit * 0.95))


def test_it_is_silent_in_a_spike_that_only_the_short_window_sees(run, limit):
    share = min(1, limit * 20)
    run((LONG, 0), (int(LONG * limit * 0.95 / share), share), above={"short"})


def test_it_stops_when_the_short_window_has_recovered(run, limit):
    run((LONG, 0), (LONG, min(1, limit * 1.3)), (SHORT, 0), above={"long"})
