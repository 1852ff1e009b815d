"""Searches for sources, takes those that fit, and writes them into a request."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from jarvis.core.grounding import prompt
from jarvis.core.grounding.types import Grounded, GroundingSettings, RetrievalOptions, Retrieved
from jarvis.core.retrieval import Retrieval
from jarvis.core.retrieval.types import Hit, SearchMode, SearchQuery
from jarvis_ports.errors import FieldViolation, InvalidArgument
from jarvis_ports.llm import LLM, GenerateRequest, Message, Role
from jarvis_ports.store import Space


class Grounding:
    """Gives a model sources to answer from."""

    def __init__(self, retrieval: Retrieval, settings: GroundingSettings) -> None:
        self._retrieval = retrieval
        self._settings = settings

    async def ground(self, llm: LLM, request: GenerateRequest, options: RetrievalOptions) -> Grounded:
        """Search, and write what was found into the last message of a checked request.

        What is searched with is the last message, where `options` has no query of its own. A message that is
        longer than the embedding model reads is cut off for that: it was written to be answered.

        Raises:
            JarvisError: what `Retrieval.search` raises; blaming fields of the request to generate.
        """
        assert not isinstance(request.input, str)  # noqa: S101 - `check_request` refuses it
        messages = request.input
        text = messages[-1].content if options.query is None else options.query
        field = f"messages[{len(messages) - 1}].content" if options.query is None else "retrieval.query"
        start = time.monotonic()
        with _blaming(field):
            found = await self._retrieval.search(
                SearchQuery(
                    collection=options.collection,
                    text=text,
                    mode=options.mode,
                    top_k=options.top_k,
                    filter=options.filter,
                    min_similarity=await self._min_similarity(options),
                    truncate=options.query is None,
                )
            )
        seconds = time.monotonic() - start
        taken = await self._fit(llm, request, messages, found.hits, options)
        retrieved = Retrieved(tuple(sorted(taken, key=prompt.order)), len(found.hits) - len(taken))
        input_ = prompt.grounded(messages, retrieved.sources, takes_system=_takes_system(llm))
        return Grounded(replace(request, input=input_), retrieved, seconds)

    async def _min_similarity(self, options: RetrievalOptions) -> float | None:
        """The configured one is a cosine: it says nothing of a collection that measures otherwise."""
        if options.min_similarity is not None or options.mode is SearchMode.SPARSE:
            return options.min_similarity
        spec = await self._retrieval.spec(options.collection)
        return self._settings.min_similarity if spec.index.space is Space.COSINE else None

    async def _fit(
        self,
        llm: LLM,
        request: GenerateRequest,
        messages: Sequence[Message],
        hits: Sequence[Hit],
        options: RetrievalOptions,
    ) -> list[Hit]:
        """Take the best that fit both the budget and what is left of the context.

        One that does not fit is passed over whole: part of a text can say the opposite of all of it, and its
        citation would be of something that the model has not read.
        """
        empty = prompt.grounded(messages, (), takes_system=_takes_system(llm))
        used = await llm.count_tokens(empty) + (request.sampling.max_tokens or 1)
        room = min(
            self._settings.max_context_tokens if options.max_tokens is None else options.max_tokens,
            llm.capabilities().context_length - used,
        )
        taken = []
        counts = await token_counts(llm, [prompt.block(len(hits), hit) for hit in hits])
        for hit, tokens in zip(hits, counts, strict=True):
            if tokens <= room:
                room -= tokens
                taken.append(hit)
        return taken


async def token_counts(llm: LLM, texts: Sequence[str]) -> list[int]:
    """Count tokens of texts as parts of a message: in a raw prompt, a control token would count as one."""
    frame, *counts = await asyncio.gather(
        *(llm.count_tokens([Message(Role.USER, f"{text}.")]) for text in ("", *texts))
    )
    return [count - frame + 1 for count in counts]


def _takes_system(llm: LLM) -> bool:
    return "messages.role.system" in llm.capabilities().fields


@contextmanager
def _blaming(text_field: str) -> Iterator[None]:
    """Blame the fields of the generation request for what is wrong with those of the search."""
    try:
        yield
    except InvalidArgument as error:
        renamed = [
            FieldViolation(text_field if v.field == "text" else f"retrieval.{v.field}", v.description)
            for v in error.violations
        ]
        InvalidArgument.__init__(error, renamed)
        raise
