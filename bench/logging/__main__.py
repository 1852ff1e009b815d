"""Measures what a call of a logger costs its caller: `python -m bench.logging --help`."""

import argparse
import sys
from contextlib import nullcontext

from bench.arguments import make_parser, positive_int
from bench.found import Found
from bench.logging.measure import measure, ours, plain, slow_disk

SIDES = {"a queue (Jarvis)": ours, "at once (FileHandler)": plain}
DISKS = {"normal": nullcontext, "slow": slow_disk}


def main() -> int:
    """Measure, and print Markdown."""
    args = _parser().parse_args()
    with Found(args.json, _print) as found:
        for _ in range(args.rounds):
            for disk, made in DISKS.items():
                for side, opened in SIDES.items():
                    with made():
                        found.add(f"{side}, {disk} disk", measure(opened, args.calls, args.work_us / 1e6))
    return 0


def _print(found: Found) -> None:
    print(
        "\n| written | disk | median, µs | 99 % below, µs | most, µs | dropped |\n|---|---|---|---|---|---|"
    )
    for disk in DISKS:
        for side in SIDES:
            for times in found.of(f"{side}, {disk} disk"):
                print(times.row(side, disk))


def _parser() -> argparse.ArgumentParser:
    parser = make_parser(
        "bench.logging",
        "Microseconds that a log call keeps its caller, with the event of a request: through the "
        "server's queue, and written at once by a FileHandler with the same formatter; to a disk as it is, "
        "and to one where a write takes 0.5 ms and one of them a second.",
    )
    parser.add_argument("--calls", type=positive_int, default=5000, help="calls of each measurement")
    parser.add_argument("--rounds", type=positive_int, default=3, help="measurements of each")
    parser.add_argument("--work-us", type=float, default=100, help="microseconds of work between two calls")
    return parser


if __name__ == "__main__":
    sys.exit(main())
