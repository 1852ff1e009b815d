"""Generates text: finds the model, checks the request, runs it, and tells how it went."""

import time
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from jarvis.core.grounding import (
    Cited,
    Grounded,
    Grounding,
    GroundingSettings,
    RetrievalOptions,
    Retrieved,
    cited,
)
from jarvis.core.model import Models
from jarvis.core.requests import Requests
from jarvis.core.retrieval import Retrieval
from jarvis.core.validation import check_input, check_request
from jarvis_ports.errors import EngineDead
from jarvis_ports.llm import Accepted, Delta, Finish, GenerateRequest, Input


@dataclass(frozen=True, slots=True)
class Started:
    """The request was accepted by a model. `retrieved` is None where no search was asked for."""

    request_id: str
    model: str
    prompt_tokens: int
    retrieved: Retrieved | None = None


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds since the request arrived; None where nothing happened or nobody tells."""

    queue: float | None
    time_to_first_token: float | None
    total: float
    retrieval: float | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """One choice is complete."""

    finish: Finish
    timings: Timings
    cited: Cited


GenerationEvent = Started | Delta | Finished


class Generation:
    """The use case of generation."""

    def __init__(
        self, models: Models, requests: Requests, retrieval: Retrieval, grounding: GroundingSettings
    ) -> None:
        self._models = models
        self._requests = requests
        self._grounding = Grounding(retrieval, grounding)

    async def stream(
        self, model_name: str, request: GenerateRequest, retrieval: RetrievalOptions | None = None
    ) -> AsyncGenerator[GenerationEvent, None]:
        """Generate: `Started`, any number of `Delta`s, one `Finished` for each choice.

        Closing the iterator, or cancelling its task, frees what the request holds.

        Args:
            model_name: which model; an empty name is the default.
            request: what to generate.
            retrieval: what to search first, and to answer from.

        Raises:
            JarvisError: see `jarvis_ports.errors`; a `CallerError` other than `RequestAborted` comes before
                `Started`.
        """
        arrived = time.monotonic()
        first: float | None = None
        texts: defaultdict[int, list[str]] = defaultdict(list)
        model = self._models.get(model_name)
        with self._requests.track(request.request_id, model.name):
            llm = model.port
            check_request(request, llm.capabilities(), retrieval)
            grounded = Grounded(request)
            if retrieval:
                grounded = await self._grounding.ground(llm, request, retrieval)
            retrieved = grounded.retrieved
            try:
                async with aclosing(llm.generate(grounded.request)) as events:
                    async for event in events:
                        if isinstance(event, Delta):
                            first = first or time.monotonic() - arrived
                            if retrieved:
                                texts[event.index].append(event.text)
                            yield event
                        elif isinstance(event, Accepted):
                            yield Started(request.request_id, model.name, event.prompt_tokens, retrieved)
                        else:
                            total = time.monotonic() - arrived
                            timings = Timings(event.queue_seconds, first, total, grounded.seconds)
                            sources = len(retrieved.sources) if retrieved else 0
                            yield Finished(event, timings, cited("".join(texts[event.index]), sources))
            except EngineDead:
                model.suspect()
                raise

    async def count_tokens(self, model_name: str, input_: Input) -> tuple[str, int, int]:
        """Count tokens; return the model's name, the count, and the model's context length in tokens.

        Raises:
            ModelNotFound: no model has that name.
            InvalidArgument: the input is empty, or the chat template refuses it.
            Unavailable: the model is not loaded.
        """
        model = self._models.get(model_name)
        check_input(input_)
        llm = model.port
        return model.name, await llm.count_tokens(input_), llm.capabilities().context_length
