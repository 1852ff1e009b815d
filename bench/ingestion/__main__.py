"""Measures how fast documents become searchable: `python -m bench.ingestion --help`."""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.adapters import embed_in_batches, opened, real_embedder
from bench.arguments import make_parser, positive_int
from bench.found import Found
from bench.frontend.server import grpc_serving, running
from bench.ingestion.documents import KINDS, pages, write
from bench.jarvis_serve import command
from jarvis.client import Document, IngestFinished, JarvisClient
from jarvis_plugins.registry import PortName

BAR = 0.8
"""The least share of the chunks a second that the embedder does alone."""
BATCHES = (8, 16, 32, 64)
"""The sizes of the batches, of which the best is what ingestion is compared with."""
SETS = ("models.echo.adapter=echo", "cache=[]")


@dataclass(frozen=True, slots=True)
class Ingested:
    """How many documents, chunks and pages of PDF were searchable after so many seconds."""

    documents: int
    chunks: int
    pages: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Embedded:
    """How many seconds the same chunks take in the embedder alone, by length, in batches of this size."""

    batch: int
    seconds: float


def main() -> int:
    """Measure each kind, and return the exit code: 1 if one misses the bar."""
    args = _parser().parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"
    with Found(args.json, partial(_report, args.kinds)) as found, tempfile.TemporaryDirectory() as folder:
        asyncio.run(_run(Path(folder), args.kinds, args.documents, found))
    return 1 if any(_share(found, kind) < BAR for kind in args.kinds) else 0


async def _run(folder: Path, kinds: Sequence[str], documents: int, found: Found) -> None:
    environment = {"JARVIS_DATA_DIR": str(folder / "data")}
    async with (
        running(lambda port: command(port, *SETS), grpc_serving, environment) as port,
        JarvisClient(f"127.0.0.1:{port}") as client,
    ):
        for name in ("warm-up", *kinds):
            (folder / name).mkdir()
            files = write("txt" if name == "warm-up" else name, folder / name, documents)
            print(f"{name}: {len(files)} documents", file=sys.stderr)
            ingested = await _ingested(client, _collection(name), files)
            if name in kinds:
                found.add(name, ingested)
    async with (
        real_embedder() as embedder,
        opened(PortName.STORE, "chroma", path=str(folder / "data/chroma")) as store,
    ):
        for kind in kinds:
            texts = [row.text async for page in store.port.scan(_collection(kind)) for row in page.rows]
            await embed_in_batches(embedder.port, texts[: BATCHES[-1]], BATCHES[-1])
            for batch in BATCHES:
                print(f"{kind}: {len(texts)} chunks in batches of {batch}", file=sys.stderr)
                began = time.perf_counter()
                await embed_in_batches(embedder.port, texts, batch)
                found.add(f"{kind}, alone", Embedded(batch, time.perf_counter() - began))


async def _ingested(client: JarvisClient, collection: str, files: Sequence[Path]) -> Ingested:
    async def read() -> AsyncIterator[Document]:
        for path in files:
            yield Document(path.name, path.read_bytes())

    await client.retrieval.create_collection(collection)
    began = time.perf_counter()
    *_, last = [result async for result in client.retrieval.ingest(collection, read())]
    seconds = time.perf_counter() - began
    if not isinstance(last, IngestFinished) or last.added != len(files):
        msg = f"of {len(files)} documents, not all were added: {last}"
        raise RuntimeError(msg)
    return Ingested(len(files), last.embedded, pages(files), seconds)


def _collection(kind: str) -> str:
    return f"kind-{kind}"


def _share(found: Found, kind: str) -> float:
    """Return the chunks a second, by those that the embedder does alone; 1 if it was not measured."""
    ingested, alone = found.of(kind), found.of(f"{kind}, alone")
    return min(one.seconds for one in alone) / ingested[0].seconds if alone else 1.0


def _report(kinds: Sequence[str], found: Found) -> None:
    print(
        "\n| | documents/s | chunks/s | pages/s | alone, in batches of | share |\n|---|---|---|---|---|---|"
    )
    for kind in kinds:
        for one in found.of(kind):
            rates = [f"{count / one.seconds:.1f}" for count in (one.documents, one.chunks, one.pages)]
            best = min(found.of(f"{kind}, alone"), key=lambda each: each.seconds, default=None)
            alone = f"{one.chunks / best.seconds:.0f} chunks/s, {best.batch}" if best else "-"
            print(f"| {kind} | {' | '.join(rates)} | {alone} | {_share(found, kind):.2f} |")


def _parser() -> argparse.ArgumentParser:
    parser = make_parser(
        "bench.ingestion",
        "Documents, chunks and pages a second from files until they are searchable, in a server with the "
        "real embedder and store, beside the embedder alone, which gets the same chunks by their length, "
        "in batches of the best size. The exit code is 1 if a kind has less than "
        f"{BAR:.0%} of that.",
    )
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS, help="of " + ", ".join(KINDS))
    parser.add_argument("--documents", type=positive_int, default=60, help="documents of each kind")
    return parser


if __name__ == "__main__":
    sys.exit(main())
