"""When an adapter is opened again, and how often."""

from jarvis.core.lifecycle import restarts


def test_a_restart_is_never_far_away():
    assert max(restarts.DELAYS) <= 5


def test_an_adapter_that_was_open_for_long_has_all_of_its_restarts_again():
    row = restarts.Restarts()
    for _ in range(restarts.MOST):
        row.closed(restarts.WELL_SECONDS - 1)
        assert not row.spent
        row.began()
    assert row.spent
    row.closed(restarts.WELL_SECONDS)
    assert (row.spent, row.delay, row.total) == (False, restarts.DELAYS[0], restarts.MOST)
