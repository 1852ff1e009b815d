"""The arguments that the command lines of the benchmarks share."""

from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path


def positive_int(text: str) -> int:
    number = int(text)
    if number < 1:
        msg = f"must be at least 1, got {number}"
        raise ArgumentTypeError(msg)
    return number


def make_parser(module: str, description: str) -> ArgumentParser:
    """Return a parser with the option that every benchmark has: a file for its findings."""
    made = ArgumentParser(prog=f"python -m {module}", description=description)
    made.add_argument("--json", type=Path, metavar="FILE", help="write what is found there as well")
    return made
