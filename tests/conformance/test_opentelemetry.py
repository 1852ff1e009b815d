from jarvis_plugins.testkit import TelemetryConformance


class TestOpenTelemetry(TelemetryConformance):
    adapter = "opentelemetry"
