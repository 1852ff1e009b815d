from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as trace_pb
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as trace_grpc

from jarvis_adapters.opentelemetry import open_opentelemetry
from jarvis_adapters.opentelemetry.settings import OpenTelemetrySettings
from tests import certificates


class Receiver(trace_grpc.TraceServiceServicer):
    def __init__(self):
        self.names = []

    def Export(self, request, context):  # noqa: N802 - of the service
        self.names += [span.name for span in request.resource_spans[0].scope_spans[0].spans]
        return trace_pb.ExportTraceServiceResponse()


@pytest.fixture
def certificate(tmp_path):
    """The certificate of "localhost", signed by itself; its key is beside it."""
    certificates.certificate(tmp_path, "server")
    return tmp_path / "server.pem"


@pytest.fixture
def secure(certificate):
    server, receiver = grpc.server(ThreadPoolExecutor(2)), Receiver()
    trace_grpc.add_TraceServiceServicer_to_server(receiver, server)
    pair = certificate.with_suffix(".key").read_bytes(), certificate.read_bytes()
    receiver.port = server.add_secure_port("localhost:0", grpc.ssl_server_credentials([pair]))
    server.start()
    yield receiver
    server.stop(None).wait()


@pytest.mark.parametrize(("trusted", "arrive"), [(True, ["call"]), (False, [])])
async def test_traces_go_to_those_whose_certificate_is_trusted(
    secure, certificate, monkeypatch, trusted, arrive
):
    if trusted:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", str(certificate))
    endpoint = f"https://localhost:{secure.port}"
    async with open_opentelemetry(
        OpenTelemetrySettings(otlp_endpoint=endpoint, otlp_metrics=False)
    ) as opened:
        with opened.span("call", {}):
            pass
    assert secure.names == arrive
    assert (await opened.health()).ok is trusted
