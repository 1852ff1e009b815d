"""The client for asyncio."""
# ruff: noqa: ASYNC109 - these are gRPC deadlines, which the server sees too

import uuid
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import Self, Unpack

import grpc
from grpc_health.v1 import health_pb2_grpc

from jarvis import timeouts
from jarvis.client.calls import Calls, Token
from jarvis.client.channel import TLS, open_channel
from jarvis.client.embedding_client import EmbeddingClient
from jarvis.client.errors import JarvisClientError
from jarvis.client.functions import Function, tool_of
from jarvis.client.operations import OperationsClient
from jarvis.client.options import (
    GenerateOptions,
    Prompt,
    PromptOptions,
    RenderOptions,
    TextPrompt,
)
from jarvis.client.requests import (
    explain_request,
    generate_call,
    input_of,
    tokenize_request,
    written,
)
from jarvis.client.resuming import Resuming
from jarvis.client.retrieval import RetrievalClient
from jarvis.client.retry_budget import RetryBudget
from jarvis.client.tools import MAX_ROUNDS, Conversation, converse
from jarvis.v1 import embedding_pb2_grpc, generation_pb2_grpc, server_pb2_grpc
from jarvis.wire import answers, generation
from jarvis.wire.messages import generation_pb2 as pb
from jarvis_ports.values import (
    Answer,
    CountTokensRequest,
    DetokenizeRequest,
    Event,
    Finished,
    NumberedEvent,
    PromptExplanation,
    Started,
    TokenCount,
    Tokens,
    Tool,
)

DEFAULT_ADDRESS = "127.0.0.1:50051"


class JarvisClient(OperationsClient, EmbeddingClient):
    """Calls a Jarvis server. Make it inside the event loop that uses it.

    A call is repeated after the delay that the server names in `RetryInfo`, unless the retry budget is spent;
    or if no connection could be made; a stream only before its first event. If the connection breaks, a
    stream that is `resumable` is taken up again, and a call with an `idempotency_key` repeated. Nothing else
    is.

    Every method raises `JarvisClientError`, also for a `timeout` over 97,200,000 seconds, and its subclass
    `CannotConnect` if no connection could be made.
    """

    def __init__(  # noqa: PLR0913 - all that a connection has
        self,
        address: str = DEFAULT_ADDRESS,
        *,
        tls: TLS | None = None,
        token: Token | None = None,
        timeout: float | None = 300.0,
        attempts: int = 4,
        retry_budget: RetryBudget | None = None,
    ) -> None:
        """Open a channel; it connects on the first call.

        Args:
            address: host:port or unix:/path.
            tls: how to encrypt; None means no encryption.
            token: an API key, or a token (JWT), if the server asks for one; or a function that returns it,
                which is called for each call and must not block.
            timeout: seconds that a call may take, repetitions included, if the call sets no other; None
                means no limit.
            attempts: the most times that a call is made.
            retry_budget: bounds the repetitions of all calls; None for the default, of this client alone.

        Raises:
            ValueError: the address has neither form, or `timeout` is not above 0 and at most 97,200,000.
            OSError: a TLS file cannot be read.
        """
        if timeout is not None:
            timeouts.check(timeout)
            if timeout <= 0:
                msg = f"timeout must be above 0 seconds; got {timeout}"
                raise ValueError(msg)
        self._channel = open_channel(address, tls)
        self._calls = Calls(
            self._channel,
            address,
            token,
            timeout=timeout,
            attempts=attempts,
            retry_budget=retry_budget,
            tls=tls,
        )
        self._generation = generation_pb2_grpc.GenerationServiceStub(self._channel)
        self._embedding = embedding_pb2_grpc.EmbeddingServiceStub(self._channel)
        self.retrieval = RetrievalClient(self._channel, self._calls)
        super().__init__(
            self._calls,
            server_pb2_grpc.ServerServiceStub(self._channel),
            health_pb2_grpc.HealthStub(self._channel),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the channel; running calls are cancelled."""
        await self._channel.close()

    async def stream(
        self,
        prompt: Prompt,
        *,
        request_id: str | None = None,
        resumable: bool = False,
        timeout: float | None = None,
        **options: Unpack[GenerateOptions],
    ) -> AsyncGenerator[Event, None]:
        """Generate piece by piece: one `Started`, any number of `Delta`s, one `Finished` for each choice.

        Closing the stream, or breaking out of the loop over it, cancels the request.

        Args:
            prompt: a raw prompt, its tokens (`TokenIds`), or the messages of a conversation.
            request_id: names the request in logs and for `abort`; printable ASCII. The server makes one if it
                is left out.
            resumable: whether the stream is taken up again where its connection breaks, as long as the server
                keeps it.
            timeout: seconds for the whole stream.
            **options: see `GenerateOptions`, `PromptOptions`, `RenderOptions` and `Sampling`.
        """
        call = replace(generate_call(prompt, options), resumable=resumable)
        request = written(generation.generate_stream_request, call)
        missing = options.get("n") or 1
        if resumable:
            request_id = request_id or uuid.uuid4().hex
            messages = Resuming(self._calls, self._generation, self._server).stream(
                request, request_id, timeout
            )
        else:
            messages = self._events(request, request_id, timeout)
        try:
            async for numbered in messages:
                event = numbered.event
                if isinstance(event, Started):
                    request_id = event.request_id
                elif isinstance(event, Finished):
                    missing -= 1
                if event:
                    yield event
        finally:
            await messages.aclose()
        if missing:
            raise JarvisClientError(
                grpc.StatusCode.INTERNAL,
                f"the stream ended with {missing} of its choices unfinished",
                reason="INCOMPLETE_STREAM",
                request_id=request_id or "",
            )

    async def _events(
        self, request: pb.GenerateStreamRequest, request_id: str | None, timeout: float | None
    ) -> AsyncGenerator[NumberedEvent, None]:
        method = self._generation.GenerateStream
        messages = self._calls.stream(method, request, request_id=request_id, timeout=timeout)
        async with aclosing(messages):
            async for message in messages:
                yield answers.NUMBERED.read(message)

    async def generate(
        self,
        prompt: Prompt,
        *,
        request_id: str | None = None,
        idempotency_key: str | None = None,
        timeout: float | None = None,
        **options: Unpack[GenerateOptions],
    ) -> Answer:
        """Generate a whole answer. The arguments are those of `stream`.

        With `idempotency_key`, a call whose connection breaks is repeated as well, and the server, which
        keeps the answer for a while, does not generate it a second time.
        """
        request = written(generation.generate_request, generate_call(prompt, options))
        method = self._generation.Generate
        return answers.ANSWER.read(
            await self._calls.unary(
                method, request, request_id=request_id, idempotency_key=idempotency_key, timeout=timeout
            )
        )

    async def run_tools(
        self,
        prompt: TextPrompt,
        *,
        rounds: int = MAX_ROUNDS,
        timeout: float | None = None,
        **options: Unpack[GenerateOptions],
    ) -> Conversation:
        """Generate answers, and run the functions that the model calls, until an answer calls none.

        Args:
            prompt: what the user says, or the messages of a conversation.
            rounds: the most answers that are followed by calls; after them, the last answer may have some.
            timeout: seconds for each answer.
            **options: those of `generate`, but for `retrieval`. The `tools` are functions, also coroutine
                functions; see `tool_of` for what the model is told of them. A `ValueError` that one raises is
                told to the model; other exceptions pass.

        Raises:
            ValueError: `retrieval` is set.
        """
        if options.get("retrieval"):
            raise ValueError("retrieval is for a question, not for results: let a search be one of the tools")
        generate = partial(self.generate, timeout=timeout, **options)
        return await converse(generate, prompt, options.get("tools") or (), rounds)

    async def count_tokens(
        self, prompt: TextPrompt, *, model: str | None = None, tools: Sequence[Tool | Function] = ()
    ) -> TokenCount:
        """Count the tokens of a prompt, or of a conversation with its chat template, and of its tools."""
        asked = CountTokensRequest(input_of(prompt), model, tuple(map(tool_of, tools)))
        request = written(generation.count_tokens_request, asked)
        return answers.TOKEN_COUNT.read(await self._calls.unary(self._generation.CountTokens, request))

    async def tokenize(
        self, prompt: TextPrompt, *, model: str | None = None, **options: Unpack[RenderOptions]
    ) -> Tokens:
        """Return the tokens of a prompt, or of a conversation with its chat template."""
        request = written(generation.tokenize_request, tokenize_request(prompt, model, options))
        return answers.TOKENS.read(await self._calls.unary(self._generation.Tokenize, request))

    async def detokenize(self, token_ids: Sequence[int], *, model: str | None = None) -> str:
        """Return the text of tokens, control tokens included."""
        request = written(generation.DETOKENIZE.message, DetokenizeRequest(tuple(token_ids), model))
        return (await self._calls.unary(self._generation.Detokenize, request)).text

    async def explain_prompt(self, prompt: TextPrompt, **options: Unpack[PromptOptions]) -> PromptExplanation:
        """Return what `generate` would do with a prompt and the same options before a model answers."""
        request = written(generation.explain_prompt_request, explain_request(prompt, options))
        return answers.EXPLANATION.read(await self._calls.unary(self._generation.ExplainPrompt, request))
