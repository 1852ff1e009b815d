"""Runs `jarvis serve` with the demo model in its default configuration, and without other components."""

from contextlib import AbstractAsyncContextManager

from bench.frontend import jarvis_server
from jarvis.models.catalogue import DEMO_MODEL
from jarvis.v1.generation_pb2_grpc import GenerationServiceStub


def serving(*, prefix_caching: bool) -> AbstractAsyncContextManager[GenerationServiceStub]:
    """Run the server; see `jarvis_server.serving`."""
    return jarvis_server.serving(
        f"models.demo.settings.model={DEMO_MODEL}",
        "models.demo.settings.dtype=float32",
        f"models.demo.settings.engine_args.enable_prefix_caching={str(prefix_caching).lower()}",
    )
