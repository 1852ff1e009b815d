from jarvis_plugins.testkit import TelemetryConformance


class TestNone(TelemetryConformance):
    adapter, exposes = "none", False
