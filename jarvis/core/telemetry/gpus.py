"""The GPUs of this machine, as the core sees them."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from jarvis_ports.values import Gpu


class GpuReader:
    """Reads the GPUs of this machine.

    Args:
        driver: reads the GPUs, which may take a while; None if there is no GPU.
    """

    def __init__(self, driver: Callable[[], Sequence[Gpu]] | None = None) -> None:
        self._driver = driver
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="gpus")

    def read(self) -> Sequence[Gpu]:
        """Return the GPUs, for a caller in a thread that may wait for the driver."""
        return self._driver() if self._driver else ()

    async def read_in_thread(self) -> Sequence[Gpu]:
        """Return the GPUs, read in a thread of its own, so that a slow driver holds up nothing else."""
        if self._driver is None:
            return ()
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._driver)
