"""Notices an engine that hangs, which is no end of a process that vLLM would notice."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from vllm.v1.engine.async_llm import AsyncLLM

logger = logging.getLogger(__name__)

INTERVAL = 1.0
"""Seconds between two questions to the engine, which it answers between two steps."""


class HangWatch:
    """Kills an engine that does not answer; to vLLM it is a dead one then, and its streams end.

    Args:
        engine: is asked.
        seconds: how long a step, with whatever it computes, may take.
        kill: ends its processes.

    Attributes:
        message: what happened; empty as long as nothing did.
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
        """Wait by seconds that this process has seen pass: of a pause of the whole machine it sees none."""
        for _ in range(round(self._seconds)):
            done, _ = await asyncio.wait([question], timeout=1)
            if done:
                question.exception()  # it is an answer too, and asyncio complains of one nobody has looked at
            if done or self._engine.errored:
                return True
        return False
