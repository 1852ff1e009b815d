"""What the command lines of the benchmarks share."""

from argparse import ArgumentTypeError


def positive_int(text: str) -> int:
    number = int(text)
    if number < 1:
        msg = f"must be at least 1, got {number}"
        raise ArgumentTypeError(msg)
    return number
