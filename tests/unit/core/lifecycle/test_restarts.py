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


def test_where_there_is_no_end_they_come_ever_more_seldom():
    row = restarts.Restarts(unending=True)
    delays = []
    for _ in range(2 * restarts.MOST):
        delays.append(row.delay)
        row.began()
    assert not row.spent
    assert delays[:4] == [*restarts.DELAYS, 15.0]
    assert set(delays[4:]) == {30.0}
