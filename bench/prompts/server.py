"""`jarvis serve` with the demo model, as it is configured by default, and nothing beside it."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc

from bench.frontend.server import grpc_serving, running
from jarvis.models.catalogue import DEMO_MODEL
from jarvis.v1.generation_pb2_grpc import GenerationServiceStub

COMMAND = str(Path(sys.executable).with_name("jarvis"))


@asynccontextmanager
async def serving(*, prefix_caching: bool) -> AsyncIterator[GenerationServiceStub]:
    """Run the server.

    Raises:
        RuntimeError: it did not start, or a call failed; the text has the end of its output.
    """

    def command(port: int) -> list[str]:
        sets = [
            f'server.listen=["127.0.0.1:{port}"]',
            f"models.demo.settings.model={DEMO_MODEL}",
            "models.demo.settings.dtype=float32",
            f"models.demo.settings.engine_args.enable_prefix_caching={str(prefix_caching).lower()}",
            "embedder.adapter=none",
            "store.adapter=none",
        ]
        return [COMMAND, "serve", *(part for pair in sets for part in ("--set", pair))]

    async with (
        running(command, grpc_serving) as port,
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        yield GenerationServiceStub(channel)
