"""A receiver of OTLP, in this process."""

import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics_pb
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2_grpc as metrics_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as trace_pb
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as trace_grpc


class Receiver(trace_grpc.TraceServiceServicer, metrics_grpc.MetricsServiceServicer):
    """Keeps its port when it is stopped and started again."""

    def __init__(self):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.requests = []
        self.ended = []
        self.metadata = []
        self.answers = threading.Event()
        self.answers.set()
        self.takes_metrics = True
        self.server = None

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        self.server = grpc.server(ThreadPoolExecutor(8))
        trace_grpc.add_TraceServiceServicer_to_server(self, self.server)
        if self.takes_metrics:
            metrics_grpc.add_MetricsServiceServicer_to_server(self, self.server)
        assert self.server.add_insecure_port(f"127.0.0.1:{self.port}")
        self.server.start()

    def stop(self):
        self.answers.set()
        if self.server:
            self.server.stop(None).wait()
            self.server = None

    def Export(self, request, context):  # noqa: N802 - of both services
        self.requests.append(request)
        self.metadata.append(dict(context.invocation_metadata()))
        context.add_callback(lambda: self.ended.append(request))
        self.answers.wait()
        traces = isinstance(request, trace_pb.ExportTraceServiceRequest)
        return trace_pb.ExportTraceServiceResponse() if traces else metrics_pb.ExportMetricsServiceResponse()

    def spans(self):
        """Return the spans, by name."""
        traces = [request for request in self.requests if hasattr(request, "resource_spans")]
        scopes = [scope for one in traces for own in one.resource_spans for scope in own.scope_spans]
        return {span.name: span for scope in scopes for span in scope.spans}

    def metrics(self):
        """Return what came last of each metric, by name."""
        every = [request for request in self.requests if hasattr(request, "resource_metrics")]
        scopes = [scope for one in every for own in one.resource_metrics for scope in own.scope_metrics]
        return {metric.name: metric for scope in scopes for metric in scope.metrics}

    def resources(self):
        """Return the attributes of every resource."""
        own = [
            own
            for request in self.requests
            for own in getattr(request, "resource_spans", getattr(request, "resource_metrics", ()))
        ]
        return [self.values(one.resource.attributes) for one in own]

    @staticmethod
    def values(attributes):
        """Give attributes by name."""
        return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}


@pytest.fixture
def receiver(monkeypatch):
    """It is not started yet; what is sent to it is sent soon, and waits a second for an answer."""
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    receiver = Receiver()
    yield receiver
    receiver.stop()
