"""Has an engine's processes sleep while they wait for one another. This runs in them.

vLLM has them yield to others in a loop, in a step and for a second after it, which takes two CPUs whole. On a
machine of few, the server and the model wait for them, at times for seconds (seen with Linux 6.18).
"""

import time
from functools import partial

from vllm.distributed.device_communicators import shm_broadcast
from vllm.platforms import current_platform

SECONDS = 2e-5
"""How long each sleep is, to which Linux adds 0.05 ms: little beside a step of any model on a CPU."""


def sleep_between_looks() -> None:
    """Do so where the model runs on CPUs; on a GPU, which takes no CPU, the loop stays as it is."""
    if current_platform.is_cpu():
        shm_broadcast.sched_yield = partial(time.sleep, SECONDS)
