"""The dashboards are those that the code makes, and name only series that the code has."""

import importlib.util
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import prometheus_client
import pytest
import yaml

from jarvis.app.config import SLOConfig
from jarvis.app.slo import generate, prometheus_name, recorded_names
from jarvis.core.telemetry import metrics
from jarvis_ports.telemetry import MetricKind
from scripts.dashboards.__main__ import main, written

GRAFANA = Path(__file__).parents[2] / "deploy/grafana"
DASHBOARDS = {path.name: json.loads(path.read_text()) for path in sorted(GRAFANA.glob("*.json"))}
PANELS = [
    pytest.param(panel, id=f"{name}: {panel['title']}")
    for name, dashboard in DASHBOARDS.items()
    for panel in dashboard["panels"]
    if panel["type"] != "row"
]
NOT_SERIES = {"and", "or", "unless", "on", "by", "ignoring", "group_left", "bool", "offset"}


def test_the_files_are_what_the_generator_writes() -> None:
    there = {path.name: path.read_text() for path in GRAFANA.iterdir()}
    assert there == written(), "run make dashboards"


def test_a_folder_that_is_not_there_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["dashboards", str(tmp_path / "new/folder")])
    main()
    assert {path.name for path in (tmp_path / "new/folder").iterdir()} == DASHBOARDS.keys()


def test_each_dashboard_leads_to_the_others() -> None:
    assert [dashboard["uid"] for dashboard in DASHBOARDS.values()] == [
        "jarvis-callers",
        "jarvis-engine",
        "jarvis-retrieval",
    ]
    for dashboard in DASHBOARDS.values():
        (link,) = dashboard["links"]
        assert set(link["tags"]) <= set(dashboard["tags"])


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_says_what_it_shows_in_which_unit_and_what_to_do(panel: dict[str, Any]) -> None:
    assert panel["title"]
    unit = panel["options"]["yAxis"] if panel["type"] == "heatmap" else panel["fieldConfig"]["defaults"]
    assert unit["unit"]
    shows, _, do = panel["description"].partition(". ")
    assert shows
    assert do


@pytest.mark.parametrize("dashboard", DASHBOARDS.values(), ids=DASHBOARDS)
def test_nothing_overlaps(dashboard: dict[str, Any]) -> None:
    taken: set[tuple[int, int]] = set()
    for at in (panel["gridPos"] for panel in dashboard["panels"]):
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids)


@pytest.fixture(scope="module")
def known() -> set[str]:
    return {*of_jarvis(), *of_vllm(), *of_the_process(), *recorded_names()}


@pytest.mark.parametrize("panel", PANELS)
def test_every_series_of_a_panel_exists_in_the_code(panel: dict[str, Any], known: set[str]) -> None:
    for target in panel["targets"]:
        wanted = series(target["expr"])
        assert wanted
        assert not wanted - known


@pytest.mark.parametrize("dashboard", DASHBOARDS.values(), ids=DASHBOARDS)
def test_every_series_of_a_variable_exists_in_the_code(dashboard: dict[str, Any], known: set[str]) -> None:
    queries = [v["query"] for v in dashboard["templating"]["list"] if v["type"] == "query"]
    assert {query[len("label_values(") :].partition(",")[0] for query in queries} <= known


def test_every_series_of_a_rule_exists_in_the_code(known: set[str]) -> None:
    groups = yaml.safe_load(generate(SLOConfig()))["groups"]
    wanted = {name for group in groups for rule in group["rules"] for name in series(rule["expr"])}
    assert wanted
    assert not wanted - known - {"up"}, "Prometheus makes up itself, of every target"


def series(query: str) -> set[str]:
    """Name the series of a query: what is neither a label, nor a function, nor a word of the language."""
    query = re.sub(r"\{.*?\}|\[.*?\]|\b(by|on|ignoring|group_left) ?\(.*?\)", " ", query)
    return set(re.findall(r"\b[a-zA-Z_:][\w:]*\b(?!\s*\()", query)) - NOT_SERIES


def test_series_are_told_from_the_rest_of_a_query() -> None:
    query = 'sum by (le, x) (rate(a_total{b=~"c"}[5m])) / on(d) e:f offset 15m > 0 or on() vector(0)'
    assert series(query) == {"a_total", "e:f"}


def of_jarvis() -> Iterator[str]:
    for metric in metrics.ALL:
        name = prometheus_name(metric)
        yield from histogram(name) if metric.kind is MetricKind.HISTOGRAM else [name]


def of_vllm() -> Iterator[str]:
    """Read the names in the source of vLLM, which takes long to import."""
    found = importlib.util.find_spec("vllm")
    assert found
    assert found.origin
    source = (Path(found.origin).parent / "v1/metrics/loggers.py").read_text()
    makers = re.findall(r'self\._(gauge|counter|histogram)_cls\(\s*name="(vllm:\w+)"', source)
    assert makers
    for kind, name in makers:
        yield from histogram(name) if kind == "histogram" else [name + "_total" * (kind == "counter")]


def of_the_process() -> Iterator[str]:
    for family in prometheus_client.ProcessCollector(registry=None).collect():
        yield from (sample.name for sample in family.samples)


def histogram(name: str) -> tuple[str, ...]:
    return (f"{name}_bucket", f"{name}_count", f"{name}_sum")
