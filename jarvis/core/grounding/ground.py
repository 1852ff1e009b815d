"""Searches for sources, takes those that fit, and writes them into a request."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from jarvis.core.grounding import prompt
from jarvis.core.grounding.types import Grounded, GroundingSettings
from jarvis.core.retrieval import Search
from jarvis.core.retrieval.hits import place
from jarvis.core.text import MAX_QUERY
from jarvis.core.tokens import prompt_tokens, tokens_in
from jarvis_ports.errors import FieldViolation, InvalidArgument
from jarvis_ports.llm import LLM
from jarvis_ports.values import (
    Citation,
    GenerateRequest,
    Hit,
    Message,
    Raw,
    Retrieval,
    Retrieved,
    Role,
    SearchMode,
    SearchQuery,
    SearchResult,
    Space,
)

SOURCES = 5
"""The most sources of a request that sets no `top_k`."""


class Grounding:
    """Provides models with sources to answer from."""

    def __init__(self, search: Search, settings: GroundingSettings) -> None:
        self._search = search
        self._settings = settings

    def sources(
        self, messages: Sequence[Message], options: Retrieval, deadline: float | None = None
    ) -> "Sources":
        """Return the sources of a checked request, whichever model answers it; see `Search.run`."""
        return Sources(self._search, self._settings, messages, options, deadline)


class Sources:
    """The sources that one request is answered from, searched for once, when the first model needs them.

    The query is the last message, unless `options` has a query of its own. A message that is longer than the
    embedding model reads is cut off for the search: it was written to be answered, not as a query.
    """

    def __init__(
        self,
        search: Search,
        settings: GroundingSettings,
        messages: Sequence[Message],
        options: Retrieval,
        deadline: float | None = None,
    ) -> None:
        self._search = search
        self._settings = settings
        self._messages = messages
        self._options = options
        self._deadline = deadline
        self._found: tuple[SearchResult, float] | None = None

    async def ground(self, llm: LLM, request: GenerateRequest) -> Grounded:
        """Return a model's request with the sources that fit written into its last message.

        Raises:
            JarvisError: what `Search.run` raises, but blaming the fields of the generation request.
        """
        assert not isinstance(request.input, Raw)  # noqa: S101 - `check_request` refuses it
        messages = request.input
        self._found = self._found or await self._find()
        found, seconds = self._found
        hits = found.hits
        taken, tokens = await self._fit(llm, request, messages, hits)
        sources = sorted(taken, key=lambda hit: place(hit, hit.source))
        input_ = prompt.grounded(messages, sources, takes_system=_takes_system(llm))
        citations = tuple(_citation(number, hit) for number, hit in enumerate(sources, 1))
        retrieved = Retrieved(citations, len(hits) - len(taken), found.reranked)
        return Grounded(replace(request, input=input_), retrieved, seconds, tokens)

    async def _find(self) -> tuple[SearchResult, float]:
        """Search, and return what was found and the seconds that this took."""
        options = self._options
        last = len(self._messages) - 1
        text = self._messages[last].text[:MAX_QUERY] if options.query is None else options.query
        start = time.monotonic()
        with _blaming(f"messages[{last}].content" if options.query is None else "retrieval.query"):
            found = await self._search.run(
                SearchQuery(
                    collection=options.collection,
                    text=text,
                    mode=None if options.mode is None else SearchMode(options.mode),
                    top_k=SOURCES if options.top_k is None else options.top_k,
                    filter=options.filter,
                    min_similarity=await self._min_similarity(options),
                    truncate=options.query is None,
                    rerank=options.rerank,
                ),
                self._deadline,
            )
        return found, time.monotonic() - start

    async def _min_similarity(self, options: Retrieval) -> float | None:
        """Return the least similarity of a source: the request's own, or else the configured one.

        The configured one is a cosine, so it says nothing about a collection that measures otherwise.
        """
        if options.min_similarity is not None or options.mode is SearchMode.SPARSE:
            return options.min_similarity
        space = await self._search.space(options.collection)
        return self._settings.min_similarity if space is Space.COSINE else None

    async def _fit(
        self, llm: LLM, request: GenerateRequest, messages: Sequence[Message], hits: Sequence[Hit]
    ) -> tuple[list[Hit], int]:
        """Return the best hits that fit both the budget and the rest of the context, and the prompt's tokens.

        A hit that does not fit is left out entirely: part of a text can say the opposite of the whole, and
        its citation would show text that the model has not read.
        """
        bare = prompt.grounded(messages, (), takes_system=_takes_system(llm))
        used = await prompt_tokens(llm, replace(request, input=bare))
        most = (
            self._settings.max_context_tokens
            if self._options.max_tokens is None
            else self._options.max_tokens
        )
        left = llm.capabilities().context_length - used - (request.sampling.max_tokens or 1)
        room = min(most, left)
        taken = []
        counts = await token_counts(llm, [prompt.block(len(hits), hit) for hit in hits])
        for hit, tokens in zip(hits, counts, strict=True):
            if tokens <= room:
                room -= tokens
                used += tokens
                taken.append(hit)
        return taken, used


async def token_counts(llm: LLM, texts: Sequence[str]) -> list[int]:
    """Count the tokens of texts as parts of a message; a raw prompt would count a control token as one.

    They are estimated where the engine does not count them.
    """
    if not llm.capabilities().counts_prompts:
        return [tokens_in(len(text)) for text in texts]
    frame, *counts = await asyncio.gather(
        *(llm.count_tokens([Message(Role.USER, f"{text}.")]) for text in ("", *texts))
    )
    return [count - frame + 1 for count in counts]


def _citation(number: int, hit: Hit) -> Citation:
    return Citation(number, hit.id, hit.text, hit.score, hit.similarity, hit.source, hit.duplicates)


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
