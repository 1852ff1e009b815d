"""Runs `jarvis serve` with the demo model, and room in its engine for all streams at once."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bench.frontend.server import grpc_serving, running
from bench.jarvis_serve import GENERATION_ALONE, command, http_address
from jarvis.models.catalogue import DEMO_MODEL


@asynccontextmanager
async def serving(streams: int) -> AsyncIterator[tuple[str, str]]:
    """Run the server, and yield its gRPC and its HTTP address.

    Raises:
        RuntimeError: it did not start, or a call failed; the message has the end of its output.
    """

    def line(port: int) -> list[str]:
        sets = [
            f"models.demo.settings.model={DEMO_MODEL}",
            "models.demo.settings.dtype=float32",
            f"models.demo.settings.engine_args.max_num_seqs={streams}",
        ]
        return command(port, *sets, *GENERATION_ALONE, http=http_address(port))

    async with running(line, grpc_serving) as port:
        yield f"127.0.0.1:{port}", http_address(port)
