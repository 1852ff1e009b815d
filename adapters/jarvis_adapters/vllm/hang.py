"""Notices an engine that hangs: vLLM itself only notices a process that ends."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from vllm.v1.engine.async_llm import AsyncLLM

logger = logging.getLogger(__name__)

INTERVAL = 1.0
"""Seconds between two questions to the engine, which answers them between two steps."""


class HangWatch:
    """Kills an engine that does not answer; vLLM then sees a dead engine, and ends its streams.

    Args:
        engine: the engine to watch.
        seconds: the most seconds that a step may take, whatever it computes.
        kill: kills the engine's processes.

    Attributes:
        message: what happened; empty as long as nothing has.
    """

    def __init__(self, engine: AsyncLLM, seconds: float, kill: Callable[[], None]) -> None:
        self._engine = engine
        self._seconds = seconds
        self._kill = kill
        self.message = ""

    @contextmanager
    def running(self) -> Iterator[None]:
        """Watch while the block runs."""
        watching = asyncio.create_task(self.run())
        try:
            yield
        finally:
            watching.cancel()

    async def run(self) -> None:
        """Ask until the engine is dead, or this is cancelled."""
        while not self._engine.errored:
            question = asyncio.ensure_future(self._engine.engine_core.is_sleeping_async())
            try:
                answered = await self._answered(question)
            finally:
                question.cancel()
            if not answered:
                self.message = f"the engine gave no answer for {self._seconds:g} s: it hung, and was killed"
                logger.error("%s", self.message)
                self._kill()
                return
            await asyncio.sleep(INTERVAL)

    async def _answered(self, question: "asyncio.Future[bool]") -> bool:
        """Return whether the engine answers in time; a pause of the machine counts as 1 s at most."""
        for _ in range(round(self._seconds)):
            done, _ = await asyncio.wait([question], timeout=1)
            if done:
                question.exception()  # an error is an answer too; asyncio complains if nobody retrieves it
            if done or self._engine.errored:
                return True
        return False
