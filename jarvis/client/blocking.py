"""The client for code without an event loop."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Generator, Iterable, Sequence
from concurrent.futures import Future
from threading import Thread
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

from jarvis.client.blocking_retrieval import BlockingRetrieval
from jarvis.client.calls import Token
from jarvis.client.channel import TLS
from jarvis.client.client import DEFAULT_ADDRESS, JarvisClient
from jarvis.client.functions import Function
from jarvis.client.health import HealthStatus
from jarvis.client.operations import RELOAD_TIMEOUT, WEIGHTS_TIMEOUT
from jarvis.client.options import (
    EmbedOptions,
    GenerateOptions,
    Prompt,
    PromptOptions,
    RenderOptions,
    RerankOptions,
    TextPrompt,
)
from jarvis.client.retry_budget import RetryBudget
from jarvis.client.tools import MAX_ROUNDS, Conversation
from jarvis_ports.values import (
    AdapterInfo,
    AdapterWeights,
    Answer,
    CallerUsage,
    Embeddings,
    Event,
    ModelInfo,
    PromptExplanation,
    Reranked,
    RouteInfo,
    ServerStatus,
    TokenCount,
    Tokens,
    Tool,
)

T = TypeVar("T")


class BlockingClient:
    """A `JarvisClient` whose event loop runs in a thread of its own; methods and arguments are the same."""

    def __init__(  # noqa: PLR0913 - as `JarvisClient`
        self,
        address: str = DEFAULT_ADDRESS,
        *,
        tls: TLS | None = None,
        token: Token | None = None,
        timeout: float | None = 300.0,
        attempts: int = 4,
        retry_budget: RetryBudget | None = None,
    ) -> None:
        """See `JarvisClient`."""
        made: Future[JarvisClient] = Future()

        async def live() -> None:
            self._loop = asyncio.get_running_loop()
            self._closing = asyncio.Event()
            try:
                client = JarvisClient(
                    address,
                    tls=tls,
                    token=token,
                    timeout=timeout,
                    attempts=attempts,
                    retry_budget=retry_budget,
                )
            except (OSError, ValueError) as error:
                made.set_exception(error)
                return
            async with client:
                made.set_result(client)
                await self._closing.wait()

        self._thread = Thread(target=asyncio.run, args=(live(),), name="jarvis-client", daemon=True)
        self._thread.start()
        self._client = made.result()
        self.retrieval = BlockingRetrieval(self._client.retrieval, self._wait, self._iterate)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the channel and end the thread; running calls are cancelled."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._closing.set)
            self._thread.join()

    def stream(
        self,
        prompt: Prompt,
        *,
        request_id: str | None = None,
        resumable: bool = False,
        timeout: float | None = None,
        **options: Unpack[GenerateOptions],
    ) -> Generator[Event, None, None]:
        """See `JarvisClient.stream`."""
        events = self._client.stream(
            prompt, request_id=request_id, resumable=resumable, timeout=timeout, **options
        )
        return self._iterate(events)

    def generate(
        self,
        prompt: Prompt,
        *,
        request_id: str | None = None,
        idempotency_key: str | None = None,
        timeout: float | None = None,
        **options: Unpack[GenerateOptions],
    ) -> Answer:
        """See `JarvisClient.generate`."""
        return self._wait(
            self._client.generate(
                prompt,
                request_id=request_id,
                idempotency_key=idempotency_key,
                timeout=timeout,
                **options,
            )
        )

    def run_tools(
        self,
        prompt: TextPrompt,
        *,
        rounds: int = MAX_ROUNDS,
        timeout: float | None = None,
        **options: Unpack[GenerateOptions],
    ) -> Conversation:
        """See `JarvisClient.run_tools`."""
        return self._wait(self._client.run_tools(prompt, rounds=rounds, timeout=timeout, **options))

    def count_tokens(
        self, prompt: TextPrompt, *, model: str | None = None, tools: Sequence[Tool | Function] = ()
    ) -> TokenCount:
        """See `JarvisClient.count_tokens`."""
        return self._wait(self._client.count_tokens(prompt, model=model, tools=tools))

    def tokenize(
        self, prompt: TextPrompt, *, model: str | None = None, **options: Unpack[RenderOptions]
    ) -> Tokens:
        """See `JarvisClient.tokenize`."""
        return self._wait(self._client.tokenize(prompt, model=model, **options))

    def detokenize(self, token_ids: Sequence[int], *, model: str | None = None) -> str:
        """See `JarvisClient.detokenize`."""
        return self._wait(self._client.detokenize(token_ids, model=model))

    def explain_prompt(self, prompt: TextPrompt, **options: Unpack[PromptOptions]) -> PromptExplanation:
        """See `JarvisClient.explain_prompt`."""
        return self._wait(self._client.explain_prompt(prompt, **options))

    def embed(
        self,
        texts: Sequence[str],
        *,
        request_id: str | None = None,
        timeout: float | None = None,
        **options: Unpack[EmbedOptions],
    ) -> Embeddings:
        """See `JarvisClient.embed`."""
        return self._wait(self._client.embed(texts, request_id=request_id, timeout=timeout, **options))

    def rerank(
        self,
        query: str,
        documents: Sequence[str],
        *,
        request_id: str | None = None,
        timeout: float | None = None,
        **options: Unpack[RerankOptions],
    ) -> Reranked:
        """See `JarvisClient.rerank`."""
        return self._wait(
            self._client.rerank(query, documents, request_id=request_id, timeout=timeout, **options)
        )

    def embed_stream(
        self,
        batches: Iterable[Sequence[str]],
        *,
        request_id: str | None = None,
        timeout: float | None = None,
        **options: Unpack[EmbedOptions],
    ) -> Generator[Embeddings, None, None]:
        """See `JarvisClient.embed_stream`."""
        return self._iterate(
            self._client.embed_stream(batches, request_id=request_id, timeout=timeout, **options)
        )

    def status(self) -> ServerStatus:
        """See `JarvisClient.status`."""
        return self._wait(self._client.status())

    def models(self) -> list[ModelInfo]:
        """See `JarvisClient.models`."""
        return self._wait(self._client.models())

    def routes(self) -> list[RouteInfo]:
        """See `JarvisClient.routes`."""
        return self._wait(self._client.routes())

    def adapters(self) -> list[AdapterInfo]:
        """See `JarvisClient.adapters`."""
        return self._wait(self._client.adapters())

    def reload_adapter(self, port: str, name: str, *, timeout: float = RELOAD_TIMEOUT) -> int:
        """See `JarvisClient.reload_adapter`."""
        return self._wait(self._client.reload_adapter(port, name, timeout=timeout))

    def sleep_model(self, name: str, *, timeout: float = RELOAD_TIMEOUT) -> int:
        """See `JarvisClient.sleep_model`."""
        return self._wait(self._client.sleep_model(name, timeout=timeout))

    def wake_model(self, name: str, *, timeout: float = RELOAD_TIMEOUT) -> None:
        """See `JarvisClient.wake_model`."""
        self._wait(self._client.wake_model(name, timeout=timeout))

    def load_weights(self, name: str, path: str, *, base: str, timeout: float = WEIGHTS_TIMEOUT) -> None:
        """See `JarvisClient.load_weights`."""
        self._wait(self._client.load_weights(name, path, base=base, timeout=timeout))

    def unload_weights(self, name: str, *, timeout: float = WEIGHTS_TIMEOUT) -> int:
        """See `JarvisClient.unload_weights`."""
        return self._wait(self._client.unload_weights(name, timeout=timeout))

    def weights(self) -> list[AdapterWeights]:
        """See `JarvisClient.weights`."""
        return self._wait(self._client.weights())

    def abort(self, request_id: str) -> int:
        """See `JarvisClient.abort`."""
        return self._wait(self._client.abort(request_id))

    def usage(self, *, days: int = 1, caller: str | None = None) -> tuple[CallerUsage, ...]:
        """See `JarvisClient.usage`."""
        return self._wait(self._client.usage(days=days, caller=caller))

    def health(self, service: str = "") -> HealthStatus:
        """See `JarvisClient.health`."""
        return self._wait(self._client.health(service))

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:  # above all Ctrl-C: the call must not go on without its caller
            future.cancel()
            raise

    def _iterate(self, items: AsyncGenerator[T, None]) -> Generator[T, None, None]:
        while (item := self._wait(_next(items))) is not None:
            try:
                yield item
            except GeneratorExit:
                if not self._loop.is_closed():
                    self._wait(items.aclose())
                raise


async def _next(items: AsyncGenerator[T, None]) -> T | None:
    return await anext(items, None)
