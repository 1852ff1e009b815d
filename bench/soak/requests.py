"""Requests of every kind, each with the only outcome that it may have."""

import asyncio
import json
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

import aiohttp
import grpc

from bench.soak.server import Running
from jarvis.client import Delta, Finished, JarvisClient, JarvisClientError
from jarvis_ports.values import Constraint, Event, Row, SearchMode, StructuredOutput
from tests.proxy import Proxy

COLLECTION = "soak"
ROWS = 40
"""The rows of each caller, which it replaces, deletes and writes again."""
DIMENSION = 384
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0"
"""The beginning of an HTTP/2 connection, which ends within a frame."""
UNCOMPILABLE = StructuredOutput(
    Constraint.JSON_SCHEMA, json.dumps({"type": "integer", "multipleOf": 1234567})
)
TEXTS = [f"Text number {number} is asked for again and again." for number in range(100)]


class Unexpected(Exception):
    """A request had another outcome than the one that it may have."""


def expect(what: object, wanted: object) -> None:
    """Compare an outcome with the one that is wanted.

    Raises:
        Unexpected: they differ.
    """
    if what != wanted:
        msg = f"{what!r}, not {wanted!r}"
        raise Unexpected(msg)


class Caller:
    """Sends requests; every method but `close` is one kind, and raises if it does not end as it has to."""

    def __init__(self, server: Running, number: int) -> None:
        self._server = server
        self._number = number
        self._random = random.Random(number)  # noqa: S311 - no secret
        self._client = self._connected(server.grpc)

    async def close(self) -> None:
        await self._client.close()

    async def fill(self) -> None:
        """Write this caller's rows, which must be there before any other request about them."""
        rows = [Row(f"{self._number}-{number}", self._text()) for number in range(ROWS)]
        expect(await self._client.retrieval.upsert(COLLECTION, rows), ROWS)

    async def short(self) -> None:
        tokens = self._random.randint(1, 3)
        answer = await self._client.generate(self._prompt(), max_tokens=tokens, ignore_eos=True)
        expect(answer.usage.completion_tokens, tokens)

    async def stream(self) -> None:
        tokens = self._random.randint(8, 24)
        expect(await _tokens(self._client.stream(self._prompt(), max_tokens=tokens, ignore_eos=True)), tokens)

    async def cancelled(self) -> None:
        async with aclosing(self._client.stream(self._prompt(), max_tokens=500, ignore_eos=True)) as events:
            for _ in range(self._random.randint(1, 4)):
                await anext(events)

    async def late(self) -> None:
        call = self._client.generate(self._prompt(), max_tokens=500, ignore_eos=True, timeout=0.3)
        error = await _failure(call)
        if error.code is not grpc.StatusCode.DEADLINE_EXCEEDED:
            expect(error.reason, "DEADLINE_TOO_SHORT")

    async def hung_up(self) -> None:
        proxy = Proxy(self._server.grpc)
        async with proxy.running() as address, self._connected(address) as client:
            events = client.stream(self._prompt(), max_tokens=500, ignore_eos=True)
            await _first_delta(events)
            proxy.cut()
            expect((await _failure(_tokens(events))).code, grpc.StatusCode.UNAVAILABLE)

    async def resumed(self) -> None:
        proxy = Proxy(self._server.grpc)
        async with proxy.running() as address, JarvisClient(address) as client:
            events = client.stream(self._prompt(), max_tokens=24, ignore_eos=True, resumable=True)
            await _first_delta(events)
            proxy.cut()
            expect(await _tokens(events), 24)

    async def broken_off(self) -> None:
        host, port = self._server.grpc.split(":")
        _, writer = await asyncio.open_connection(host, port)
        writer.write(PREFACE)
        await writer.drain()
        writer.transport.abort()

    async def embedded(self) -> None:
        texts = [self._text(), self._random.choice(TEXTS)]
        vectors = await self._client.embed(texts)
        expect((vectors.dimension, len(vectors.packed)), (DIMENSION, len(texts) * DIMENSION * 4))

    async def rows(self) -> None:
        """Replace a row, find it, delete it, and write it again."""
        retrieval, text = self._client.retrieval, self._text()
        row = Row(f"{self._number}-{self._random.randrange(ROWS)}", text)
        expect(await retrieval.upsert(COLLECTION, [row]), 1)
        for mode in SearchMode.DENSE, SearchMode.SPARSE, SearchMode.HYBRID:
            found = await retrieval.search(COLLECTION, text, mode=mode, top_k=5)
            expect(row.id in {hit.id for hit in found.hits}, True)  # noqa: FBT003 - the outcome
        expect(await retrieval.delete(COLLECTION, ids=[row.id]), 1)
        expect(await retrieval.delete(COLLECTION, ids=[row.id]), 0)
        expect(await retrieval.upsert(COLLECTION, [row]), 1)

    async def healthy(self) -> None:
        expect(await self._client.health(), "SERVING")
        connector = aiohttp.TCPConnector(force_close=True)
        async with aiohttp.ClientSession(connector=connector) as client:
            for path in "/health", "/ready":
                async with client.get(f"http://{self._server.http}{path}") as response:
                    expect(response.status, 200)

    async def operated(self) -> None:
        status = await self._client.status()
        expect([model.restarts for model in status.models], [0])
        expect([model.name for model in await self._client.models()], ["demo"])
        expect(bool(await self._client.usage()), True)  # noqa: FBT003 - the outcome

    async def new_channel(self) -> None:
        async with self._connected(self._server.grpc) as client:
            expect((await client.count_tokens("one two three")).tokens > 0, True)  # noqa: FBT003 - the outcome

    async def wrong(self) -> None:
        client = self._client
        calls: list[tuple[str, Callable[[], Awaitable[object]]]] = [
            ("MODEL_NOT_FOUND", lambda: client.generate("a", model="nobody")),
            ("INVALID_ARGUMENT", lambda: client.generate("a", temperature=3.0)),
            ("INVALID_ARGUMENT", lambda: client.generate("a", structured_output=UNCOMPILABLE)),
            ("CONTEXT_LENGTH_EXCEEDED", lambda: client.generate("word " * 9000)),
            ("TEMPLATE_NOT_FOUND", lambda: client.generate([{"role": "user", "content": "a"}], template="x")),
            ("INVALID_ARGUMENT", lambda: client.embed([""])),
            ("TEXT_TOO_LONG", lambda: client.embed(["word " * 600])),
            ("COLLECTION_NOT_FOUND", lambda: client.retrieval.search("nobody", "a")),
            ("INVALID_ARGUMENT", lambda: client.retrieval.upsert(COLLECTION, [Row("", "a")])),
            ("REQUEST_NOT_FOUND", lambda: client.abort("nobody")),
        ]
        reason, call = self._random.choice(calls)
        expect((await _failure(call())).reason, reason)

    def _connected(self, address: str) -> JarvisClient:
        return JarvisClient(address, attempts=1)  # what is refused is a failure

    def _text(self) -> str:
        return f"The parcel {self._random.getrandbits(64):x} has arrived."

    def _prompt(self) -> str:
        return f"Tell a story about the number {self._random.randrange(10_000)}."


async def _tokens(events: AsyncGenerator[Event, None]) -> int:
    """Read what is left of a stream, and return how many tokens it had by the server's count."""
    tokens = 0
    async for event in events:
        if isinstance(event, Finished):
            tokens = event.usage.completion_tokens
    return tokens


async def _first_delta(events: AsyncGenerator[Event, None]) -> None:
    async for event in events:
        if isinstance(event, Delta):
            return
    raise Unexpected("the stream has no text")


async def _failure(call: Awaitable[object]) -> JarvisClientError:
    try:
        outcome = await call
    except JarvisClientError as error:
        return error
    msg = f"it did not fail: {outcome!r}"
    raise Unexpected(msg)
