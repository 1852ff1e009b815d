"""The timeouts of calls that the client and the command line accept."""

MAX_TIMEOUT = 27_000 * 3600.0
"""The longest timeout in seconds, about three years.

gRPC sends no longer deadline, and a far longer one has already passed when it is set.
"""


def check(seconds: float) -> None:
    """Check that gRPC can carry a timeout; one of zero or less is a deadline that has passed.

    Raises:
        ValueError: it is not a number, or is too large.
    """
    if not seconds <= MAX_TIMEOUT:  # nan is neither below nor above
        msg = f"must be a number of seconds, at most {MAX_TIMEOUT:.0f} (27,000 hours); got {seconds}"
        raise ValueError(msg)
