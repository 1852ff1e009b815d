"""The servicer of GenerationService."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from functools import partial
from hashlib import blake2b
from typing import Any

import grpc

from jarvis.core.admission import Intake
from jarvis.core.generation import Generation
from jarvis.core.generation.replay import Replay, Replays
from jarvis.core.generation.validation import check_token_ids
from jarvis.core.lifecycle.requests import Requests
from jarvis.core.principal import Role, principal
from jarvis.core.violations import Violations
from jarvis.server.context import arrival, current, let_in, tracked
from jarvis.server.facts import GenerationFacts
from jarvis.server.parts import least_bytes, parts
from jarvis.server.roles import needs
from jarvis.v1 import generation_pb2_grpc
from jarvis.wire import answers
from jarvis.wire import generation as wire
from jarvis.wire.messages import generation_pb2 as pb
from jarvis_ports.errors import EngineFailure, MessageTooLarge, NotConfigured
from jarvis_ports.values import Answer, Delta, Event, Finished, GenerateRequest, Started

Context = grpc.aio.ServicerContext[Any, Any]


class GenerationServicer(generation_pb2_grpc.GenerationServiceServicer):
    """Translates between the contract and the use case of generation."""

    def __init__(  # noqa: PLR0913 - all that it is made of
        self,
        generation: Generation,
        intake: Intake,
        requests: Requests,
        replays: Replays,
        max_message_bytes: int,
        *,
        log_text: bool,
    ) -> None:
        self._generation = generation
        self._intake = intake
        self._replays = replays
        self._requests = requests
        self._max_message_bytes = max_message_bytes
        self._log_text = log_text

    @needs(Role.INFER)
    async def GenerateStream(  # type: ignore[override] # the stubs know generators alone
        self, request: pb.GenerateStreamRequest, context: Context
    ) -> None:
        """Write each event as it comes; a caller that reads slowly holds up only its own stream."""
        if request.resumable:
            replay = self._replay(request, current.get().request_id)
            with self._requests.track(""):
                async with aclosing(replay.read()) as numbered:
                    async for one in numbered:
                        await context.write(answers.NUMBERED.message(one))
            return
        async with self._events(request) as (events, facts):
            async for event in events:
                facts.saw(event)
                for part in parts(event):
                    await context.write(answers.event_message(part))

    @needs(Role.INFER)
    async def ResumeStream(  # type: ignore[override] # as above
        self, request: pb.ResumeStreamRequest, context: Context
    ) -> None:
        """Write what follows the last event that arrived."""
        wanted = answers.RESUME.read(request)
        replay = self._replays.find((principal.get().name, wanted.request_id))
        with self._requests.track(""):
            async with aclosing(replay.read(wanted.after)) as events:
                async for numbered in events:
                    await context.write(answers.RESUMED.message(numbered))

    def _replay(self, request: pb.GenerateRequest | pb.GenerateStreamRequest, id_: str) -> Replay:
        """Begin a stream that goes on without its caller, or return the one that has begun already."""
        if not self._replays.seconds:
            raise NotConfigured("the server keeps no answers: server.resume_seconds is 0")
        fingerprint = blake2b(request.SerializeToString(deterministic=True)).digest()
        key = principal.get().name, id_
        return self._replays.begin(key, fingerprint, partial(self._divided, request))

    @asynccontextmanager
    async def _divided(
        self, request: pb.GenerateRequest | pb.GenerateStreamRequest
    ) -> AsyncIterator[AsyncIterator[Event]]:
        async with self._events(request) as (events, facts):

            async def each() -> AsyncIterator[Event]:
                async for event in events:
                    facts.saw(event)
                    for part in parts(event):
                        yield part

            yield each()

    @asynccontextmanager
    async def _once(self, request: pb.GenerateRequest) -> AsyncIterator[AsyncIterator[Event]]:
        """Yield the events of an answer, which is generated once for all who show the same key."""
        if not (key := current.get().idempotency_key):
            async with self._divided(request) as events:
                yield events
            return
        async with aclosing(self._replay(request, f"idempotency-key {key}").read(alone=False)) as numbered:
            yield (one.event async for one in numbered if one.event)

    @needs(Role.INFER)
    async def Generate(self, request: pb.GenerateRequest, context: Context) -> pb.GenerateResponse:
        """Collect a stream into one answer."""
        started: Started | None = None
        deltas: list[Delta] = []
        finished: list[Finished] = []
        size = 0
        async with self._once(request) as events:
            async for event in events:
                if isinstance(event, Delta):
                    deltas.append(event)
                    size += least_bytes(event)
                    if size > self._max_message_bytes:  # the rest would be of no use
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
        return answers.ANSWER.message(Answer.joined(started, deltas, finished))

    @asynccontextmanager
    async def _events(
        self, request: pb.GenerateRequest | pb.GenerateStreamRequest
    ) -> AsyncIterator[tuple[AsyncIterator[Event], GenerationFacts]]:
        """Yield the events and the facts to log, and track the request until the last event is written."""
        context = current.get()
        violations = Violations()
        call = wire.read_generate(request, violations.blame)
        salt = principal.get().cache_salt
        wanted = replace(call.request, request_id=context.request_id, cache_salt=salt)
        violations.refuse(partial(self._generation.check, wanted, call.prompt, call.retrieval))
        stream = self._generation.stream(call.model or "", wanted, call.prompt, call.retrieval, arrival())
        with tracked(self._requests):
            async with aclosing(stream) as events:
                yield events, GenerationFacts(context.facts, wanted.input if self._log_text else None)

    @needs(Role.INFER)
    async def CountTokens(self, request: pb.CountTokensRequest, context: Context) -> pb.CountTokensResponse:
        """Count the tokens of a prompt or a conversation."""
        violations = Violations()
        wanted = wire.read_count_tokens(request, violations.blame)
        violations.refuse(partial(self._generation.tokens.check, wanted))
        async with let_in(self._requests, self._intake):
            count = await self._generation.tokens.count(wanted)
        return answers.TOKEN_COUNT.message(count)

    @needs(Role.INFER)
    async def Tokenize(self, request: pb.TokenizeRequest, context: Context) -> pb.TokenizeResponse:
        """Return the tokens of a prompt or a conversation."""
        violations = Violations()
        wanted = wire.read_tokenize(request, violations.blame)
        violations.refuse(partial(self._generation.tokens.check, wanted))
        async with let_in(self._requests, self._intake):
            tokens = await self._generation.tokens.tokenize(wanted)
        return answers.TOKENS.message(tokens)

    @needs(Role.INFER)
    async def Detokenize(self, request: pb.DetokenizeRequest, context: Context) -> pb.DetokenizeResponse:
        """Return the text of tokens."""
        wanted = wire.DETOKENIZE.read(request)
        check_token_ids(wanted.token_ids)
        async with let_in(self._requests, self._intake):
            text = await self._generation.tokens.detokenize(wanted)
        return answers.DETOKENIZED.message(text)

    @needs(Role.INFER)
    async def ExplainPrompt(
        self, request: pb.ExplainPromptRequest, context: Context
    ) -> pb.ExplainPromptResponse:
        """Return what would become of a request before a model answers."""
        violations = Violations()
        wanted = wire.read_explain_prompt(request, violations.blame)
        asked = GenerateRequest("", wanted.input)
        violations.refuse(partial(self._generation.check, asked, wanted.prompt))
        async with let_in(self._requests, self._intake):
            explained = await self._generation.explain(wanted.model or "", wanted.input, wanted.prompt)
        return answers.EXPLANATION.message(explained)
