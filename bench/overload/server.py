"""Runs `jarvis serve` with the demo model, callers with keys, and a short queue."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from bench.frontend.jarvis_server import COMMAND
from bench.frontend.server import grpc_serving, running
from jarvis.access import keys
from jarvis.core.principal import Role
from jarvis.models.catalogue import DEMO_MODEL


@asynccontextmanager
async def serving(
    folder: Path, callers: Sequence[str], slots: int
) -> AsyncIterator[tuple[str, dict[str, str]]]:
    """Run the server, and yield its address and the key of each caller.

    A sixth as many requests wait as run: those that are served then take about a sixth longer.

    Raises:
        RuntimeError: it did not start; the message has the end of its output.
    """
    file = folder / "keys.json"
    made = {caller: keys.add(file, caller, [Role.INFER], None)[1] for caller in callers}

    def command(port: int) -> list[str]:
        sets = [
            f'server.listen=["127.0.0.1:{port}"]',
            "http.listen=",
            f'auth.keys="{file}"',
            f"models.demo.settings.model={DEMO_MODEL}",
            "models.demo.settings.dtype=float32",
            f"models.demo.settings.engine_args.max_num_seqs={slots}",
            f"models.demo.max_requests={slots + slots // 6}",
            "embedder.adapter=none",
            "store.adapter=none",
        ]
        return [COMMAND, "serve", *(part for pair in sets for part in ("--set", pair))]

    async with running(command, grpc_serving) as port:
        yield f"127.0.0.1:{port}", made
