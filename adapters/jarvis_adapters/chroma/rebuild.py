"""Rebuilds a collection beside the old one."""

import asyncio
from collections.abc import AsyncGenerator
from functools import partial
from uuid import uuid4

from jarvis_adapters.chroma.cached import CHUNK, CachedCollections
from jarvis_adapters.chroma.engine import Engine
from jarvis_adapters.chroma.errors import NoSuchCollection
from jarvis_adapters.chroma.work_queue import WorkQueue
from jarvis_ports.errors import StoreFailure
from jarvis_ports.store import CollectionSpec, Progress
from jarvis_toolkit.stores import Embed, new_vectors

PAGE = 100
"""The number of rows read and embedded at a time."""


async def rebuild(
    cached: CachedCollections, queue: WorkQueue, spec: CollectionSpec, embed: Embed | None
) -> AsyncGenerator[Progress, None]:
    """See `jarvis_ports.store.VectorStore.rebuild`; the caller keeps other writers out.

    The new collection is built under another name, and marked as unfinished in its metadata. It takes the old
    one's place in one write, and its name afterwards; after a kill in between, the next start does the rest.
    """
    call = cached.engine.call
    successor = f"rebuild-{uuid4().hex}"
    ids = await queue.read(partial(call, Engine.ids, spec.name))
    done = 0
    try:
        await queue.write(partial(call, Engine.begin, spec, successor))
        for start in range(0, len(ids), PAGE):
            wanted = ids[start : start + PAGE]
            page = await queue.read(partial(call, Engine.get, spec.name, wanted, vectors=embed is None))
            vectors = await new_vectors(spec, page, embed)
            for at in range(0, len(page.rows), CHUNK):
                part = page.rows[at : at + CHUNK], vectors[at : at + CHUNK]
                await queue.write(partial(call, Engine.upsert, successor, *part))
            done += len(page.rows)
            if done < len(ids):
                yield Progress(done, len(ids))
        built = await queue.read(partial(call, Engine.count, successor))
        if built != done:
            msg = f"{built} rows of {done} were built of {spec.name!r}; the old collection stays"
            raise StoreFailure(msg)
        await asyncio.shield(queue.write(partial(cached.swap, spec, successor)))
    except NoSuchCollection as error:
        msg = f"the rebuild of {spec.name!r} was cut off, and the old collection stays: there is no {error}"
        raise StoreFailure(msg) from None
    finally:
        await asyncio.shield(queue.write(partial(call, Engine.abandon, successor)))
    yield Progress(done, done)
