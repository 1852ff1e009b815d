"""Runs `jarvis serve` with the demo model, and room in its engine for all streams at once."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bench.frontend.jarvis_server import COMMAND
from bench.frontend.server import grpc_serving, running
from jarvis.models.catalogue import DEMO_MODEL


@asynccontextmanager
async def serving(streams: int) -> AsyncIterator[tuple[str, str]]:
    """Run the server, and yield its gRPC and its HTTP address.

    Raises:
        RuntimeError: it did not start, or a call failed; the message has the end of its output.
    """

    def command(port: int) -> list[str]:
        sets = [
            f'server.listen=["127.0.0.1:{port}"]',
            f'http.listen="{_http(port)}"',
            f"models.demo.settings.model={DEMO_MODEL}",
            "models.demo.settings.dtype=float32",
            f"models.demo.settings.engine_args.max_num_seqs={streams}",
            "embedder.adapter=none",
            "store.adapter=none",
        ]
        return [COMMAND, "serve", *(part for pair in sets for part in ("--set", pair))]

    async with running(command, grpc_serving) as port:
        yield f"127.0.0.1:{port}", _http(port)


def _http(port: int) -> str:
    return f"127.0.0.2:{port}"  # the same port is free there: all of 127.0.0.0/8 is this machine
