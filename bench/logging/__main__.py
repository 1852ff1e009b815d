"""What a call of a logger costs its caller: `python -m bench.logging --help`."""

import argparse
import json
import sys
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path

from bench.arguments import positive_int
from bench.logging.measure import Times, measure, ours, plain, slow_disk

SIDES = {"a queue (Jarvis)": ours, "at once (FileHandler)": plain}
DISKS = {"normal": nullcontext, "slow": slow_disk}


def main() -> int:
    """Measure, and print Markdown."""
    args = _parser().parse_args()
    rounds: list[tuple[str, str, Times]] = []
    for _ in range(args.rounds):
        for disk, made in DISKS.items():
            for side, opened in SIDES.items():
                with made():
                    rounds.append((side, disk, measure(opened, args.calls, args.work_us / 1e6)))
    if args.json:
        found = [{"side": side, "disk": disk, **asdict(times)} for side, disk, times in rounds]
        args.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    print("| written | disk | median, µs | 99 % below, µs | most, µs | dropped |\n|---|---|---|---|---|---|")
    for side, disk, times in rounds:
        print(times.row(side, disk))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.logging",
        description="Microseconds that a log call keeps its caller, with the event of a request: through the "
        "server's queue, and written at once by a FileHandler with the same formatter; to a disk as it is, "
        "and to one where a write takes 0.5 ms and one of them a second.",
    )
    parser.add_argument("--calls", type=positive_int, default=5000, help="calls of each measurement")
    parser.add_argument("--rounds", type=positive_int, default=3, help="measurements of each")
    parser.add_argument("--work-us", type=float, default=100, help="microseconds of work between two calls")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was found there as well")
    return parser


if __name__ == "__main__":
    sys.exit(main())
