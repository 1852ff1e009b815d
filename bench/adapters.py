"""Opens adapters as the server does, for benchmarks in one process."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any

from jarvis.core.lifecycle.component import Component
from jarvis.models import resolve
from jarvis.models.catalogue import DEMO_EMBEDDER
from jarvis_plugins.loader import load_plugins
from jarvis_plugins.registry import PortName
from jarvis_ports.embedding import Embedder, TextRole


@asynccontextmanager
async def opened(port: PortName, name: str, **settings: object) -> AsyncIterator[Component[Any]]:
    """Open an adapter, and close it when the context is left.

    Raises:
        StartupError: the adapter cannot be opened.
    """
    adapter = load_plugins().get(port, name)
    open_port = partial(adapter.factory, adapter.settings.model_validate(settings))
    component: Component[Any] = Component(port, name, name, open_port)
    run = asyncio.create_task(component.run())
    changed = asyncio.create_task(component.changed.wait())
    await asyncio.wait([run, changed], return_when=asyncio.FIRST_COMPLETED)
    try:
        if run.done():
            await run
        yield component
    finally:
        changed.cancel()
        run.cancel()
        await asyncio.wait([run])


async def embed_in_batches(embedder: Embedder, texts: Sequence[str], size: int) -> None:
    """Embed documents in batches of this size, the shortest first."""
    ordered = sorted(texts, key=len)
    for start in range(0, len(ordered), size):
        await embedder.embed(ordered[start : start + size], TextRole.DOCUMENT)


def real_embedder() -> AbstractAsyncContextManager[Component[Embedder]]:
    """Open the catalogue's embedding model."""
    return opened(PortName.EMBEDDER, "sentence-transformers", model=str(resolve(DEMO_EMBEDDER)))
