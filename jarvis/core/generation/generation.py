"""Generates text: checks a request, finds its prompt and its model, and runs it."""

import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, nullcontext
from dataclasses import replace
from functools import partial

from jarvis.core.admission import Arrival, Ticket
from jarvis.core.generation.answer import Answer, Prepared
from jarvis.core.generation.images import ImageLimits
from jarvis.core.generation.observation import observed
from jarvis.core.generation.rendering import check_prompt_logprobs
from jarvis.core.generation.tokenizing import Tokenizing
from jarvis.core.generation.validation import check_request, check_supported
from jarvis.core.grounding import Grounded, Grounding, Sources
from jarvis.core.metering import Metering
from jarvis.core.prompting import Prompting, SelectedPrompt
from jarvis.core.routing import Routes, begin, first_loaded, untroubled_first
from jarvis.core.telemetry.instruments import Instruments
from jarvis.core.tokens import characters_of, prompt_tokens, tokens_in
from jarvis.core.violations import Violations
from jarvis_ports.errors import JarvisError
from jarvis_ports.llm import LLM
from jarvis_ports.values import (
    Event,
    GenerateRequest,
    PromptExplanation,
    PromptParams,
    Raw,
    Retrieval,
    TextInput,
)

ANSWER_TOKENS = 512
"""The tokens that are reserved for an answer whose request sets no `max_tokens`."""


class Generation:
    """The use case of generation.

    Attributes:
        tokens: tells the tokens of the same models.
    """

    def __init__(  # noqa: PLR0913 - all that it is made of
        self,
        routes: Routes,
        prompting: Prompting,
        grounding: Grounding,
        instruments: Instruments,
        metering: Metering,
        *,
        images: ImageLimits = ImageLimits(),
    ) -> None:
        self.tokens = Tokenizing(routes, images)
        self._images = images
        self._routes = routes
        self._instruments = instruments
        self._prompting = prompting
        self._grounding = grounding
        self._metering = metering

    async def stream(
        self,
        name: str,
        request: GenerateRequest,
        options: PromptParams,
        retrieval: Retrieval | None = None,
        arrival: Arrival = Arrival(),
    ) -> AsyncGenerator[Event, None]:
        """Yield `Started`, any number of `Delta`s, and one `Finished` for each choice.

        Closing the iterator, or cancelling its task, frees what the request holds.

        Args:
            name: the model or route; an empty name means the default.
            request: what to generate.
            options: how difficult the request is, and which template precedes it.
            retrieval: how to search for sources to answer from; None to answer without.
            arrival: who sent it, and until when an answer is of use.

        Raises:
            JarvisError: see `jarvis_ports.errors`; a `CallerError` comes before `Started`.
        """
        arrived = time.monotonic()
        destination = self._routes.get(name)
        self.check(request, options, retrieval)
        async with AsyncExitStack() as stack:
            reserved = self._metering.tokens(arrival.caller, _expected_tokens(request))
            spent = await stack.enter_async_context(reserved)
            selected = await self._select(request, options, from_sources=retrieval is not None)
            sources = None
            if retrieval:
                assert not isinstance(request.input, Raw)  # noqa: S101 - `check_request` refuses it
                sources = self._grounding.sources(request.input, retrieval, arrival.deadline)
            prepare = partial(_prepare, request, selected, sources)
            ticket = partial(_ticket, request, arrival, arrived)
            attempt = await begin(stack, destination, selected.difficulty, ticket, prepare, self._instruments)
            answer = Answer(attempt, arrived)
            stack.callback(answer.tell, spent)
            stack.enter_context(observed(self._instruments, attempt, answer, request, selected.difficulty))
            try:
                yield answer.started(request.request_id)
                yield answer.event(attempt.first)
                async for event in attempt.events:
                    yield answer.event(event)
            except JarvisError as error:
                attempt.model.failed(error)
                raise

    async def _select(
        self, request: GenerateRequest, options: PromptParams, *, from_sources: bool
    ) -> SelectedPrompt:
        with self._instruments.span("prompting", {}) as span:
            selected = await self._prompting.choose(request.input, options, from_sources=from_sources)
            attributes = {"jarvis.template": selected.template, "jarvis.difficulty": selected.difficulty}
            span.set({name: value for name, value in attributes.items() if value is not None})
        return selected

    def check(
        self, request: GenerateRequest, options: PromptParams, retrieval: Retrieval | None = None
    ) -> None:
        """Check everything that can be checked before a model is asked.

        Raises:
            InvalidArgument: naming every field that is wrong.
        """
        violations = Violations()
        violations.note(partial(check_request, request, retrieval, self._images))
        from_sources = retrieval is not None
        violations.note(partial(self._prompting.check, request.input, options, from_sources=from_sources))
        violations.refuse()

    async def explain(self, name: str, input_: TextInput, options: PromptParams) -> PromptExplanation:
        """Return what `stream` would do before a model answers.

        Raises:
            JarvisError: what `stream` raises for these arguments.
        """
        destination = self._routes.get(name)
        self.check(GenerateRequest("", input_), options)
        selected = await self._prompting.choose(input_, options)
        models = untroubled_first(destination.order(selected.difficulty))
        names = tuple(model.name for model in models)
        loaded = first_loaded(models)
        request = GenerateRequest("", input_)
        with loaded.use() if loaded else nullcontext() as llm:
            if llm:
                check_supported(request, llm.capabilities())
            prompt = selected.for_model(llm.capabilities()) if llm else selected
            ready = prompt.applied(request).input
            counted = llm and llm.capabilities().counts_prompts
            tokens = await llm.count_tokens(ready) if llm and counted else None
        return PromptExplanation(
            difficulty=prompt.difficulty,
            signals=prompt.signals,
            template=prompt.template,
            language=prompt.language,
            messages=() if isinstance(ready, Raw) else tuple(ready),
            route=destination.route,
            models=names,
            model=loaded.name if loaded else None,
            prompt_tokens=tokens,
        )


async def _prepare(
    request: GenerateRequest, selected: SelectedPrompt, sources: Sources | None, llm: LLM
) -> tuple[GenerateRequest, Prepared]:
    """Return a request as one model gets it, with its prompt and its sources."""
    capabilities = llm.capabilities()
    check_supported(request, capabilities)
    prompt = selected.for_model(capabilities)
    grounded = Grounded(prompt.applied(request))
    if sources:
        grounded = await sources.ground(llm, grounded.request)
    ready = grounded.request
    if request.sampling.max_tokens is None and ready.sampling.max_tokens is not None:
        # The template's limit is not the caller's demand: if the context holds less, less will do.
        tokens = grounded.prompt_tokens or await prompt_tokens(llm, ready)
        most = max(1, min(ready.sampling.max_tokens, capabilities.context_length - tokens))
        ready = replace(ready, sampling=replace(ready.sampling, max_tokens=most))
    if request.sampling.prompt_logprobs is not None:
        check_prompt_logprobs(request.sampling.prompt_logprobs, await prompt_tokens(llm, ready))
    return ready, Prepared(prompt, grounded)


def _ticket(request: GenerateRequest, arrival: Arrival, arrived: float) -> Ticket:
    characters, sampling = characters_of(request), request.sampling
    return Ticket(arrival, characters, sampling.n or 1, request.priority or 0, arrived)


def _expected_tokens(request: GenerateRequest) -> int:
    sampling = request.sampling
    most = ANSWER_TOKENS if sampling.max_tokens is None else sampling.max_tokens
    return tokens_in(characters_of(request)) + most * (sampling.n or 1)
