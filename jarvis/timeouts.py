"""How long a call may take, as a client and the command line are told it."""

MAX_TIMEOUT = 27_000 * 3600.0
"""Seconds, about three years: gRPC sends no longer deadline, and far longer ones are past at once."""


def check(seconds: float) -> None:
    """Refuse what gRPC cannot carry; what is not above zero is a deadline that has passed.

    Raises:
        ValueError: it is no number, or too large.
    """
    if not seconds <= MAX_TIMEOUT:  # nan is neither below nor above
        msg = f"must be a number of seconds, at most {MAX_TIMEOUT:.0f} (27,000 hours); got {seconds}"
        raise ValueError(msg)
