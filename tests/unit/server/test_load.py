"""What a report of the load is made of."""

from types import SimpleNamespace

import pytest

from jarvis.orca.v3 import orca_pb2
from jarvis.server.load import Load
from jarvis_ports.errors import InvalidArgument, Overloaded

REPORT = (
    "099a9999999999b93f119a9999999999c93f1803220c0a016311000000000000f03f2a130a086b765f63616368"
    "6511000000000000d03f31000000000000f83f39000000000000e03f42110a0671756575656411000000000000"
    "1040490000000000000240"
)
REQUEST = "0a020805120163"


def model(name, used, cache=None, waiting=0):
    return SimpleNamespace(name=name, utilization=lambda ended=0: used, kv_cache_usage=cache, waiting=waiting)


@pytest.fixture
def clock():
    return SimpleNamespace(now=100.0)


@pytest.fixture
def load(clock):
    models = [model("a", 0.5, 0.75, 1), model("b", 2.0, 0.25, 2), model("unknown", None)]
    return Load(SimpleNamespace(models=models), SimpleNamespace(queue_depth=7), lambda: clock.now)


def test_the_fullest_model_counts_and_what_waits_adds_up(load):
    report = load.report()
    assert report.application_utilization == 2.0
    assert dict(report.utilization) == {"kv_cache": 0.75}
    assert dict(report.named_metrics) == {"queued": 3, "queued_texts": 7}


def test_calls_and_failures_in_a_second_are_those_of_the_last_ten(load, clock):
    for second in range(20):
        clock.now = 100.5 + second
        for _ in range(4):
            load.began()
        load.failed(Overloaded("full"))
        load.failed(InvalidArgument.of("x", "wrong"))
    clock.now += 1
    report = load.report()
    assert (report.rps_fractional, report.eps) == (pytest.approx(3.6), pytest.approx(0.9))
    clock.now += 20
    assert load.report().rps_fractional == 0


def test_an_error_that_nobody_foresaw_is_a_failure(load):
    load.began()
    load.failed()
    assert load.report().eps == 1


class Broken:
    """A model whose adapter raises what it may not."""

    name, waiting = "broken", 1

    def utilization(self, ended=0):
        raise RuntimeError("broken")

    @property
    def kv_cache_usage(self):
        raise RuntimeError("broken")


def test_a_model_whose_adapter_raises_costs_nobody_the_report(caplog):
    routes = SimpleNamespace(models=[model("a", 0.5, 0.75), Broken()])
    load = Load(routes, SimpleNamespace(queue_depth=0))
    for _ in range(2):
        ((_, packed),) = load.trailing("a")
    report = orca_pb2.OrcaLoadReport.FromString(packed)
    assert (report.application_utilization, report.utilization["kv_cache"]) == (0.5, 0.75)
    assert len(caplog.messages) == 1, "it is logged once"


def test_the_messages_are_those_of_cncf_xds():
    """The bytes were made by xds-protos 1.85.0."""
    made = orca_pb2.OrcaLoadReport(
        cpu_utilization=0.1,
        mem_utilization=0.2,
        rps=3,
        rps_fractional=1.5,
        eps=0.5,
        application_utilization=2.25,
    )
    made.request_cost["c"] = 1
    made.utilization["kv_cache"] = 0.25
    made.named_metrics["queued"] = 4
    request = orca_pb2.OrcaLoadReportRequest(request_cost_names=["c"])
    request.report_interval.seconds = 5
    assert made.SerializeToString(deterministic=True).hex() == REPORT
    assert request.SerializeToString().hex() == REQUEST
