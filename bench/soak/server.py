"""Runs `jarvis serve` as operators do, all of it real: engine, embedder, store, caches, ledger, metrics."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.frontend.server import grpc_serving, running
from bench.jarvis_serve import command, http_address
from jarvis.models.catalogue import DEMO_MODEL

SEQUENCES = 100
"""Requests that the engine works on at a time: as many as there are streams at once."""
START_SECONDS = 600
"""How long the start may take, for other work may go on beside a soak."""
RESUME_SECONDS = 5
"""How long a broken stream is kept, so that nothing is left of it soon after the callers have gone."""


@dataclass(frozen=True, slots=True)
class Running:
    """A server that runs.

    Attributes:
        grpc: its address for callers.
        http: its address for operators.
        process: its main process.
        data: the folder with all that it keeps.
        log: the file of its log.
    """

    grpc: str
    http: str
    process: psutil.Process
    data: Path
    log: Path

    def errors(self) -> list[str]:
        """Return the messages of the errors in its log."""
        lines = map(json.loads, self.log.read_text(encoding="utf-8").splitlines())
        return [line["message"] for line in lines if line["level"].lower() in {"error", "critical"}]


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[Running]:
    """Run the server with its files in a folder. What only fills up to a bound has a small one, soon full.

    Raises:
        RuntimeError: it did not start, or the block failed; the message has the end of its output.
    """

    data, log = folder / "data", folder / "jarvis.log"
    memory = '{adapter="memory", settings={max_entries=500}}'
    disk = f'{{adapter="diskcache", settings={{path="{data}/cache", max_bytes={2**22}}}}}'

    def line(port: int) -> list[str]:
        sets = [
            f"server.resume_seconds={RESUME_SECONDS}",
            f'log.file="{log}"',
            "log.format=json",
            "log.max_file_bytes=0",
            f"models.demo.settings.model={DEMO_MODEL}",
            "models.demo.settings.dtype=float32",
            f"models.demo.settings.engine_args.max_num_seqs={SEQUENCES}",
            f"models.demo.settings.engine_args.kv_cache_memory_bytes={2**29}",
            f"cache=[{memory}, {disk}]",
        ]
        return command(port, *sets, http=http_address(port))

    environment = {"JARVIS_DATA_DIR": str(data)}
    async with running(line, grpc_serving, environment, START_SECONDS) as port:
        address = f"127.0.0.1:{port}"
        (process,) = (child for child in psutil.Process().children() if address in " ".join(child.cmdline()))
        yield Running(address, http_address(port), process, data, log)
