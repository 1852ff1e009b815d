"""A model that is another one with further weights (a LoRA), in the same engine."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path

from jarvis.core.lifecycle.component import Component
from jarvis.core.lifecycle.waiting import LOOK_SECONDS, until_loaded
from jarvis_ports.errors import EngineDead, EngineStartFailed, JarvisError
from jarvis_ports.health import Health
from jarvis_ports.llm import (
    LLM,
    GenerateRequest,
    Input,
    LLMCapabilities,
    LLMEvent,
    RenderParams,
    TakesWeights,
    TellsTokens,
    TextInput,
    Tool,
)

logger = logging.getLogger(__name__)

UNDO_SECONDS = 60.0
"""Seconds that an engine has to take back what was given up."""
_NUMBERS = count(1)
"""So that what is loaded a second time, beside what it replaces, has another name in the engine."""


@asynccontextmanager
async def open_weights(name: str, base: Component[LLM], find: Callable[[], Path]) -> AsyncIterator[LLM]:
    """Wait until a model is loaded, load weights into it, and unload them in the end.

    Args:
        name: the name of the model with these weights.
        base: the model without them.
        find: checks the weights' files, and returns their folder.

    Raises:
        EngineStartFailed: the weights cannot be used with this model.
    """
    await until_loaded(base)
    with base.use() as llm:  # a reload does not close it meanwhile
        kind = _WithWeightsAndTokens if isinstance(llm, TellsTokens) else WithWeights
        weights = kind(f"{name}-{next(_NUMBERS)}", base, find)
        await weights.load(llm)
    try:
        yield weights
    finally:
        await weights.unload()


class WithWeights:
    """An `LLM` that has another one answer with further weights.

    When the other has got a new engine, by a reload, the weights are loaded into that as well: by the next
    request, or the next look at the health. Nobody who asks for them gets an answer without them.
    """

    def __init__(self, name: str, base: Component[LLM], find: Callable[[], Path]) -> None:
        self._name = name
        self._base = base
        self._find = find
        self._in: LLM | None = None
        self._unload: Callable[[str], Awaitable[None]] | None = None
        self._loading = asyncio.Lock()

    async def load(self, llm: LLM) -> None:
        """Load the weights into an engine, unless it has them.

        Raises:
            EngineStartFailed: they cannot be used with this model.
        """
        async with self._loading:
            if self._in is llm:
                return
            if not isinstance(llm, TakesWeights):
                raise EngineStartFailed(f"{self._base} takes no further weights: its adapter cannot")
            folder = await asyncio.to_thread(self._find)
            await self._in_time(llm, llm.load_weights(self._name, folder))
            self._in, self._unload = llm, llm.unload_weights

    async def unload(self) -> None:
        """Unload the weights, if the engine that has them is still there."""
        if self._unload and self._in and self._base.holds(self._in):
            try:
                await self._in_time(self._in, self._unload(self._name))
            except JarvisError as error:
                logger.warning("the weights %r are not unloaded: %s", self._name, error)

    async def _in_time(self, llm: LLM, work: Awaitable[None]) -> None:
        """Wait for what an engine does, but not for one that has gone away.

        Raises:
            EngineDead: it has; vLLM leaves such calls without an answer.
        """
        task = asyncio.ensure_future(work)
        try:
            while not (await asyncio.wait([task], timeout=LOOK_SECONDS))[0]:
                if not self._base.holds(llm):
                    raise EngineDead(f"{self._base} went down")
            task.result()
        finally:
            task.cancel()
            await asyncio.wait([task], timeout=UNDO_SECONDS if self._base.holds(llm) else 0)

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[LLMEvent, None]:
        """See `LLM.generate`."""
        with self._base.use() as llm:
            try:
                await self._loaded(llm)
                async with aclosing(llm.generate(replace(request, weights=self._name))) as events:
                    async for event in events:
                        yield event
            except EngineDead:
                self._base.suspect()
                raise

    async def count_tokens(
        self, input_: Input, render: RenderParams = RenderParams(), tools: Sequence[Tool] = ()
    ) -> int:
        """See `LLM.count_tokens`."""
        with self._base.use() as llm:
            return await llm.count_tokens(input_, render, tools)

    def capabilities(self) -> LLMCapabilities:
        """See `LLM.capabilities`: those of the other model."""
        assert self._in  # noqa: S101 - `open_weights`
        its = self._in.capabilities()
        return replace(its, notes=(f"further weights in the engine of {self._base}", *its.notes))

    async def health(self) -> Health:
        """See `LLM.health`."""
        if not (llm := self._base.loaded):
            if self._base.serving or self._base.asleep:  # who wants it is told so, or has it load
                return Health(ok=True)
            return Health(ok=False, message=f"{self._base} is not loaded")
        health = await llm.health()
        if health.ok:
            try:
                await self.load(llm)
            except JarvisError as error:
                return Health(ok=False, message=str(error))
        return health

    async def _loaded(self, llm: LLM) -> None:
        """Load the weights into an engine that has come by a reload; a failure is only this model's."""
        try:
            await self.load(llm)
        except EngineStartFailed as error:
            raise EngineDead(f"the weights of {self._name!r} did not load: {error}") from None


class _WithWeightsAndTokens(WithWeights):
    """The same, of a model that tells its tokens."""

    async def tokenize(self, input_: TextInput, render: RenderParams = RenderParams()) -> Sequence[int]:
        """See `TellsTokens.tokenize`."""
        with self._telling() as teller:
            return await teller.tokenize(input_, render)

    async def token_texts(self, token_ids: Sequence[int]) -> Sequence[str]:
        """See `TellsTokens.token_texts`."""
        with self._telling() as teller:
            return await teller.token_texts(token_ids)

    async def detokenize(self, token_ids: Sequence[int]) -> str:
        """See `TellsTokens.detokenize`."""
        with self._telling() as teller:
            return await teller.detokenize(token_ids)

    @contextmanager
    def _telling(self) -> Iterator[TellsTokens]:
        with self._base.use() as llm:
            assert isinstance(llm, TellsTokens)  # noqa: S101 - `open_weights`
            yield llm
