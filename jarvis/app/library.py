"""Opens what retrieval works with: the store, the text index and the document reader."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from hashlib import blake2b
from pathlib import Path

from jarvis.app.config import MEMORY, Config
from jarvis.core.retrieval import Library
from jarvis.documents.reader import Reader
from jarvis.textindex import SQLiteTextIndex
from jarvis_ports.store import VectorStore
from jarvis_toolkit.folders import data_folder


def text_index_folder(config: Config) -> Path | None:
    """Return the text index's folder, or None for memory; each store has its own unless one is set."""
    folder = config.retrieval.text_index
    if folder:
        return Path(folder).expanduser() if folder != MEMORY else None
    store = json.dumps(config.store.model_dump(mode="json"), sort_keys=True)
    return data_folder("text-index") / blake2b(store.encode(), digest_size=8).hexdigest()


@asynccontextmanager
async def open_library(
    text_index: Path | None, open_store: Callable[[], AbstractAsyncContextManager[VectorStore]]
) -> AsyncIterator[Library]:
    """Open the store, and what retrieval needs besides it."""
    async with (
        open_store() as store,
        SQLiteTextIndex.open(text_index) as texts,
        Reader() as reader,
    ):
        yield Library(store, texts, reader)
