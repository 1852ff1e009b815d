"""A plugin raises what no port foresees, in each method of its port in turn."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from bench.faults.callers import (
    COLLECTION,
    Caller,
    at_work,
    prepare,
    rows_kept,
    served_again,
    usage_kept,
    words,
)
from bench.faults.row import NEVER, Kept, Row, judged, summary, told
from bench.faults.server import ECHO, Server
from jarvis.client import Document, IngestFinished, JarvisClientError

NAME = "broken"
INTERNAL = "INTERNAL INTERNAL, no retry"
DOWN = {"UNAVAILABLE ENGINE_DEAD, retry", "UNAVAILABLE MODEL_LOADING, retry"}
RAISING_SECONDS = 3.0
Ask = Callable[[Caller, int], Awaitable[bool]]


async def _drain(events: Any) -> bool:  # noqa: ANN401 - an asynchronous generator
    async with aclosing(events):
        async for _ in events:
            pass
    return True


async def _generate(caller: Caller, number: int) -> bool:
    return await caller.generate(number, NAME)


async def _count(caller: Caller, number: int) -> bool:
    return (await caller.client.count_tokens(f"one two {number}", model=NAME)).tokens == 3


async def _embed(caller: Caller, number: int) -> bool:
    return await caller.embed(number)


async def _search(caller: Caller, number: int) -> bool:
    return await caller.search(number)


async def _twin(caller: Caller, number: int) -> bool:
    """Ingest what is stored already under another name, whose vectors the store gives."""
    document = Document(f"twin-{number}.txt", b"All of these have the same words.")
    *_, last = [event async for event in caller.client.retrieval.ingest(COLLECTION, [document])]
    return isinstance(last, IngestFinished) and not last.failed


async def _upsert(caller: Caller, number: int) -> bool:
    return await caller.upsert(number)


async def _create(caller: Caller, number: int) -> bool:
    return bool(await caller.client.retrieval.create_collection(f"made-{number}"))


async def _list(caller: Caller, _: int) -> bool:
    return bool(await caller.client.retrieval.collections())


async def _drop(caller: Caller, number: int) -> bool:
    name = f"dropped-{number}"
    await caller.client.retrieval.create_collection(name)
    return await caller.client.retrieval.delete_collection(name) == 0


async def _get(caller: Caller, _: int) -> bool:
    return (await caller.client.retrieval.get_collection(COLLECTION)).name == COLLECTION


async def _delete(caller: Caller, number: int) -> bool:
    await caller.upsert(number)
    del caller.rows[f"{number}-0"]
    return await caller.client.retrieval.delete(COLLECTION, ids=[f"{number}-0"]) == 1


async def _check(caller: Caller, _: int) -> bool:
    return await _drain(caller.client.retrieval.check(COLLECTION))


async def _rebuild(caller: Caller, _: int) -> bool:
    return await _drain(caller.client.retrieval.rebuild(COLLECTION))


LLM: dict[str, Ask] = {
    "generate": _generate,
    "count_tokens": _count,
    "capabilities": _generate,
    "health": _generate,
}
EMBEDDER: dict[str, Ask] = {"info": _embed, "count_tokens": _embed, "embed": _embed, "health": _embed}
CACHE: dict[str, Ask] = {"get": _embed, "put": _embed, "health": _embed}
STORE: dict[str, Ask] = {
    "create": _create,
    "collections": _list,
    "drop": _drop,
    "count": _get,
    "upsert": _upsert,
    "delete": _delete,
    "get": _twin,
    "scan": _rebuild,
    "query": _search,
    "check": _check,
    "rebuild": _rebuild,
    "health": _search,
}
PORTS = {"llm": LLM, "embedder": EMBEDDER, "cache": CACHE, "store": STORE}
"""For each method of each port, a call that needs it; its health comes last."""
UNNOTICED = {("store", "health"), *(("cache", method) for method in CACHE)}
"""Methods whose callers must not notice: the store still answers, and without a cache there is a model."""
NAMES = ("first", "hit", "generates")


async def rows(folder: Path) -> AsyncIterator[Row]:
    """Yield a row for each port, whose methods raise one after another, beside the real parts."""
    path = _install(folder / "plugin")
    for port, methods in PORTS.items():
        own = folder / port
        own.mkdir()
        file = own / "method"
        file.write_text("")
        yield await _port(port, methods, Server(own, NAMES, _sets(port, file), {"PYTHONPATH": path}), file)


def _install(folder: Path) -> str:
    """Install the plugin in a folder, and return the path on which Python finds it."""
    info = folder / "raising-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: raising\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[jarvis.v1]\nraising = bench.faults.raising\n")
    root = Path(__file__).parents[2]
    return os.pathsep.join([str(folder), str(root), os.environ.get("PYTHONPATH", "")])


def _sets(port: str, file: Path) -> tuple[str, ...]:
    section = {"llm": f"models.{NAME}", "embedder": "embedder", "store": "store"}.get(port)
    if section is None:
        return (*ECHO, f'cache=[{{adapter="raising", settings={{method="{file}"}}}}]')
    return (*ECHO, f"{section}.adapter=raising", f'{section}.settings.method="{file}"')


async def _port(port: str, methods: Mapping[str, Ask], server: Server, file: Path) -> Row:
    found: dict[str, Row] = {}
    async with server.running():
        since = time.monotonic()
        first, hit, generates = (Caller(one, server.client(one)) for one in NAMES)
        await prepare(first)
        for method, ask in methods.items():
            row = found[method] = await _method(port, method, ask, (first, hit, generates), file)
            if server.process.returncode is not None:
                row.wrong.append(f"the server ended with code {server.process.returncode}")
                break
    return Row(
        f"plugin raises: {port}",
        _grouped({method: row.hit for method, row in found.items()}),
        summary(generates.calls, since),
        row.kept,
        max((row.again for row in found.values()), key=lambda again: (again == NEVER, again)),
        [f"{method}: {one}" for method, row in found.items() for one in row.wrong],
    )


def _grouped(told_of: Mapping[str, str]) -> str:
    """Return what was told, each with the methods that it was told of."""
    methods: dict[str, list[str]] = {}
    for method, words_ in told_of.items():
        methods.setdefault(words_, []).append(f"`{method}`")
    return "; ".join(f"{', '.join(those)}: {words_}" for words_, those in methods.items())


async def _method(port: str, method: str, ask: Ask, callers: Sequence[Caller], file: Path) -> Row:
    first, hit, generates = callers
    async with at_work({hit: partial(ask, hit), generates: generates.generate}):
        await served_again(hit, times=1)
        since = time.monotonic()
        await asyncio.to_thread(file.write_text, method)
        await asyncio.sleep(RAISING_SECONDS)
        await asyncio.to_thread(file.write_text, "")
        healed = time.monotonic()
        await served_again(hit, 20)
    try:
        kept = [
            await rows_kept(first.client, first.rows | hit.rows),
            await usage_kept(first.client, hit, generates),
        ]
    except JarvisClientError as error:
        kept = [Kept(f"nothing to be seen ({words(error)}): rows", len(first.rows), 0)]
    row = judged(
        method,
        since=since,
        healed=healed,
        hit=hit.calls,
        beside=generates.calls,
        expected=() if (port, method) in UNNOTICED else {INTERNAL, *DOWN},
        kept=kept,
    )
    return replace(row, hit=", ".join(sorted(told(hit.calls, since))) or "nothing")
