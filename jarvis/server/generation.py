"""The servicer of GenerationService."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from functools import partial
from typing import Any

import grpc

from jarvis.core.answer import Finished, GenerationEvent, Started
from jarvis.core.generation import Generation
from jarvis.core.requests import Requests
from jarvis.core.validation import check_input
from jarvis.core.violations import Violations
from jarvis.server import convert
from jarvis.server.context import current
from jarvis.server.facts import GenerationFacts
from jarvis.server.grounding_convert import retrieval_options
from jarvis.server.prompting_convert import explanation, prompt_options
from jarvis.v1 import generation_pb2 as pb
from jarvis.v1 import generation_pb2_grpc
from jarvis_ports.errors import EngineFailure, MessageTooLarge
from jarvis_ports.llm import Delta, GenerateRequest

Context = grpc.aio.ServicerContext[Any, Any]


class GenerationServicer(generation_pb2_grpc.GenerationServiceServicer):
    """Speaks the contract for the use case of generation."""

    def __init__(
        self, generation: Generation, requests: Requests, max_message_bytes: int, *, log_text: bool
    ) -> None:
        self._generation = generation
        self._requests = requests
        self._max_message_bytes = max_message_bytes
        self._log_text = log_text

    async def GenerateStream(  # type: ignore[override] # the stubs know generators alone
        self, request: pb.GenerateStreamRequest, context: Context
    ) -> None:
        """Write each event as it comes; a caller that reads slowly holds up its own stream alone."""
        async with self._events(request) as (events, facts):
            async for event in events:
                facts.saw(event)
                for message in convert.messages(event):
                    await context.write(message)

    async def Generate(self, request: pb.GenerateRequest, context: Context) -> pb.GenerateResponse:
        """Collect a stream into one answer."""
        started: Started | None = None
        deltas: list[Delta] = []
        finished: list[Finished] = []
        size = 0
        async with self._events(request) as (events, facts):
            async for event in events:
                facts.saw(event)
                if isinstance(event, Delta):
                    deltas.append(event)
                    size += convert.least_bytes(event)
                    if size > self._max_message_bytes:  # there is no use in the rest
                        most = f"server.max_message_bytes, {self._max_message_bytes}"
                        told = f"the answer has more bytes than {most}; ask for less, or use GenerateStream"
                        raise MessageTooLarge.of("", told)
                elif isinstance(event, Finished):
                    finished.append(event)
                else:
                    started = event
        if started is None or not finished:
            msg = "the engine ended the stream without an answer"
            raise EngineFailure(msg)
        return convert.answer(started, deltas, finished)

    @asynccontextmanager
    async def _events(
        self, request: pb.GenerateRequest | pb.GenerateStreamRequest
    ) -> AsyncIterator[tuple[AsyncIterator[GenerationEvent], GenerationFacts]]:
        """Stream events, and keep track of the request until the last of them is written."""
        call = current.get()
        violations = Violations()
        wanted = convert.request(request, call.request_id, violations)
        options, retrieval = prompt_options(request), retrieval_options(request, violations)
        violations.refuse(partial(self._generation.check, wanted, options, retrieval))
        stream = self._generation.stream(request.model, wanted, options, retrieval)
        with self._requests.track(call.request_id):
            async with aclosing(stream) as events:
                yield events, GenerationFacts(call.facts, wanted.input if self._log_text else None)

    async def CountTokens(self, request: pb.CountTokensRequest, context: Context) -> pb.CountTokensResponse:
        """Count the tokens of a prompt or a conversation."""
        violations = Violations()
        input_ = convert.input_(request, violations)
        violations.refuse(partial(check_input, input_))
        model, tokens, context_length = await self._generation.count_tokens(request.model, input_)
        return pb.CountTokensResponse(model=model, tokens=tokens, context_length=context_length)

    async def ExplainPrompt(
        self, request: pb.ExplainPromptRequest, context: Context
    ) -> pb.ExplainPromptResponse:
        """Tell what would happen to a request before a model answers."""
        violations = Violations()
        input_, options = convert.input_(request, violations), prompt_options(request)
        violations.refuse(partial(self._generation.check, GenerateRequest("", input_), options))
        return explanation(await self._generation.explain(request.model, input_, options))
