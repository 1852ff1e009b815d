"""Shows what each fault does to callers and to what is kept: `python -m bench.faults --help`."""

import argparse
import asyncio
import platform
import sys
import tempfile
import textwrap
import time
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from pathlib import Path

from bench.arguments import make_parser
from bench.faults import cache, certificates, clock, disk, engine, exporter, plugins, signals, store
from bench.faults.row import Row, table
from bench.found import Found

FAULTS: dict[str, Callable[[Path], AsyncIterator[Row]]] = {
    "engine": engine.rows,
    "store": store.rows,
    "cache": cache.rows,
    "disk": disk.rows,
    "clock": clock.rows,
    "exporter": exporter.rows,
    "plugins": plugins.rows,
    "signals": signals.rows,
    "certificates": certificates.rows,
}
DESCRIPTION = (
    "Brings about faults in a real server with real parts: the real embedder, Chroma, SQLite and diskcache, "
    "and for the engine's faults vLLM with the demo model. The table has what those are told whom a fault "
    "hits, whether others notice, what is left of what was acknowledged, and how long it takes until calls "
    "are served again. The exit code is 1 if a row is not as it should be."
)
EXAMPLES = """examples:
  python -m bench.faults
  python -m bench.faults --only store --only disk --json faults.json"""


def main() -> int:
    """Bring about every fault, and return the exit code: 1 if something was not as it should be."""
    args = _parser().parse_args()
    wanted = args.only or list(FAULTS)
    about = {"faults": wanted, "machine": platform.platform()}
    with Found(args.json, partial(_report, wanted), **about) as found:
        broken = asyncio.run(_run(wanted, found))
    return 1 if broken or any(row.wrong for name in wanted for row in found.of(name)) else 0


async def _run(wanted: Sequence[str], found: Found) -> bool:
    """Add the rows of each fault; return whether one of them could not be brought about."""
    broken = False
    for name in wanted:
        began = time.monotonic()
        print(f"{name} ...", file=sys.stderr, flush=True)
        try:
            with tempfile.TemporaryDirectory(prefix=f"faults-{name}-") as folder:
                async for row in FAULTS[name](Path(folder)):
                    found.add(name, row)
                    for one in row.wrong:
                        print(f"  {row.fault}: {one}", file=sys.stderr, flush=True)
        except Exception as error:  # noqa: BLE001 - the other faults are worth seeing
            broken = True
            print(f"  {name} could not be brought about: {error!r}", file=sys.stderr, flush=True)
        print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return broken


def _report(wanted: Sequence[str], found: Found) -> None:
    rows = [row for name in wanted for row in found.of(name)]
    print(f"\n{table(rows)}\n")
    for row in rows:
        for one in row.wrong:
            print(f"wrong: {row.fault}: {one}")


def _parser() -> argparse.ArgumentParser:
    parser = make_parser("bench.faults", textwrap.fill(DESCRIPTION, 100))
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLES
    parser.add_argument(
        "--only",
        action="append",
        choices=FAULTS,
        metavar="ROW",
        help=f"one of {', '.join(FAULTS)}; may be repeated",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
