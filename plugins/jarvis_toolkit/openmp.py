"""How the threads of OpenMP wait, with which torch computes on CPUs."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

VARIABLE = "OMP_WAIT_POLICY"


@contextmanager
def passive_waiting() -> Iterator[None]:
    """Have OpenMP's threads sleep while they wait for one another, if the block is the first to import torch.

    They would spin, on a CPU that another thread of the server needs, which they then wait for: on 2 cores,
    embedding a question next to a search by words took 60 to 100 ms, and 30 if they sleep. OpenMP reads the
    variable when it is loaded. Child processes do not inherit it: engines may have CPUs of their own.
    """
    if VARIABLE in os.environ:  # the operator's choice
        yield
        return
    os.environ[VARIABLE] = "PASSIVE"
    try:
        yield
    finally:
        del os.environ[VARIABLE]
