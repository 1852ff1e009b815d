"""What the command lines of the benchmarks share."""

from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path


def positive_int(text: str) -> int:
    number = int(text)
    if number < 1:
        msg = f"must be at least 1, got {number}"
        raise ArgumentTypeError(msg)
    return number


def make_parser(module: str, description: str) -> ArgumentParser:
    """Make a parser with what every benchmark has: a file for what it finds."""
    made = ArgumentParser(prog=f"python -m {module}", description=description)
    made.add_argument("--json", type=Path, metavar="FILE", help="write what is found there as well")
    return made
