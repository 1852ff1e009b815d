"""The metrics of the telemetry tests, and helpers to read a page of metrics.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

import re

from jarvis_ports.telemetry import Exposition, Metric, MetricKind

CALLS = Metric(MetricKind.COUNTER, "kit.calls", "{call}", "Calls.", ("kit.case", "reason"))
DURATION = Metric(MetricKind.HISTOGRAM, "kit.duration", "s", "Durations.", ("kit.case",), (0.5, 2, 10))
MEMORY = Metric(MetricKind.GAUGE, "kit.memory", "By", "Memory.", ("kit.case",))
OTHER = Metric(MetricKind.GAUGE, "kit.other", "1", "Another gauge.", ("kit.case",))

ACCEPT = {
    "nothing": "",
    "anything": "*/*",
    "plain text": "text/plain; version=0.0.4",
    "as Prometheus 2 says": "application/openmetrics-text;version=1.0.0,"
    "application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
    "a browser": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "nonsense": ";;q=,application/openmetrics-text;version=x;=\x00",
}

SAMPLE = re.compile(r"^(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<labels>.*)\})? (?P<value>\S+)", re.MULTILINE)
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
ESCAPED = re.compile(r"\\(.)")

Labels = dict[str, str]


def samples(page: Exposition, name: str) -> list[tuple[Labels, float]]:
    """Return the samples of this name, as labels and value."""
    found = SAMPLE.finditer(page.body.decode())
    return [(_labels(each["labels"] or ""), float(each["value"])) for each in found if each["name"] == name]


def value(page: Exposition, name: str, **labels: str) -> float | None:
    """Return the value of the sample with this name and these labels, or None if there is none.

    Empty labels do not count, and dots in the names of labels are underscores here.
    """
    found = [value for own, value in samples(page, name) if {key: v for key, v in own.items() if v} == labels]
    assert len(found) <= 1, f"{name} {labels} is on the page {len(found)} times"
    return found[0] if found else None


def _labels(text: str) -> Labels:
    return {
        name: ESCAPED.sub(lambda escape: "\n" if escape[1] == "n" else escape[1], value)
        for name, value in LABEL.findall(text)
    }
