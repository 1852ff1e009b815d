"""Retrieval on the real text index in memory, with a store, a model and a reader that fail on demand."""

import asyncio
from contextlib import asynccontextmanager

import numpy as np
import pytest

from jarvis.core.embedding import Embedding
from jarvis.core.lifecycle.component import Component
from jarvis.core.retrieval import Library, Retrieval, RetrievalSettings
from jarvis.core.telemetry.instruments import Instruments
from jarvis.core.text import Kind, Text
from jarvis.documents.split import split
from jarvis.textindex import SQLiteTextIndex
from jarvis_adapters.memory_store.store import MemoryStore
from jarvis_ports.embedding import EmbedderInfo
from jarvis_ports.errors import DocumentUnreadable
from jarvis_ports.health import Health
from jarvis_ports.store import IndexSettings
from jarvis_ports.values import Document, IngestFinished, IngestStart, State


class Store(MemoryStore):
    """Counts what is read and written, and fails, waits, or stops half way."""

    def __init__(self):
        super().__init__()
        self.upserted = []
        self.failures = []
        self.before_upsert = asyncio.Event()
        self.go = asyncio.Event()
        self.go.set()
        self.half = False

    async def upsert(self, collection, rows, vectors):
        self.before_upsert.set()
        await self.go.wait()
        if self.failures:
            error = self.failures.pop(0)
            if self.half:
                await super().upsert(collection, rows[: len(rows) // 2], vectors[: len(rows) // 2])
            raise error
        self.upserted.append([row.id for row in rows])
        await super().upsert(collection, rows, vectors)


class Embedder:
    """Words are tokens, and components: two texts are as near as they share words."""

    def __init__(self, identity="words-1", dimension=32, max_tokens=64):
        self.infos = EmbedderInfo(identity, dimension, max_tokens)
        self.embedded = []
        self.failures = []

    def info(self):
        return self.infos

    def count_tokens(self, texts, role):
        return [len(text.split()) for text in texts]

    async def embed(self, texts, role):
        if self.failures:
            raise self.failures.pop(0)
        self.embedded += texts
        vectors = np.full((len(texts), self.infos.dimension), 0.01, np.float32)
        for vector, text in zip(vectors, texts, strict=True):
            for word in text.lower().split()[: self.infos.max_tokens]:
                vector[sum(word.encode()) % self.infos.dimension] += 1
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    async def health(self):
        return Health(ok=True)


class Reader:
    """Reads UTF-8."""

    split = staticmethod(split)

    def __init__(self):
        self.read_sources = []
        self.languages = []

    async def read(self, data, source, media_type, language=None):
        self.read_sources.append(source)
        if b"\0" in data:
            msg = f"{source} is binary, not text"
            raise DocumentUnreadable(msg)
        self.languages.append(language)
        if source.endswith(".pdf"):
            pages = data.decode().split("\f")
            starts = [sum(len(page) + 2 for page in pages[:number]) for number in range(len(pages))]
            return Text("\n\n".join(pages), Kind.PLAIN, notes=("no text on page 9",), pages=tuple(starts))
        return Text(data.decode(), Kind.PLAIN)


def opened(kind, name, port):
    """A component whose port is open."""

    @asynccontextmanager
    async def never():
        yield port

    component = Component(kind, name, "fake", never)
    component._become(State.READY, "", port)
    return component


class Setup:
    """Everything, opened."""

    def __init__(self, texts, store=None, embedder=None):
        self.store = store or Store()
        self.embedder = embedder or Embedder()
        self.reader = Reader()
        self.texts = texts
        self.library = opened("store", "memory", Library(self.store, texts, self.reader))
        self.restart()

    def restart(self, embedder=None, name="words"):
        """As a new process: nothing is known but what the store and the index hold."""
        self.embedder = embedder or self.embedder
        self.instruments = Instruments()
        embedder = opened("embedder", name, self.embedder)
        self.embedding = Embedding(embedder, [], max_batch_tokens=10_000, instruments=self.instruments)
        self.library = opened("store", "memory", Library(self.store, self.texts, self.reader))
        self.retrieval = Retrieval(
            self.library, self.embedding, RetrievalSettings(20, 0, 1000), self.instruments
        )

    async def ingest(self, *documents, prune=None, **start):
        """Ingest; returns results and the end."""
        results = [
            result
            async for result in self.retrieval.ingest.run(
                events(documents, prune, IngestStart("docs", **start))
            )
        ]
        assert isinstance(results[-1], IngestFinished)
        return results[:-1], results[-1]

    async def agree(self):
        """Tell how many rows there are, by the store and the index, which have the same."""
        ids = [id_ async for page in self.texts.ids("docs") for id_ in page]
        there = [row.id async for page in self.store.scan("docs") for row in page.rows]
        assert sorted(ids) == sorted(there)
        assert await self.texts.pending("docs") == []
        return len(ids)


async def events(documents, prune, start):
    """The events of an ingestion: documents are (source, data) pairs, or events themselves."""
    yield start
    for document in documents:
        if isinstance(document, tuple):
            source, data = document
            yield Document(source)
            yield data if isinstance(data, bytes) else data.encode()
        else:
            yield document
    if prune:
        yield prune


@pytest.fixture
async def setup():
    """Everything, with an empty collection `docs`."""
    async with SQLiteTextIndex.open(None) as texts:
        made = Setup(texts)
        await made.retrieval.collections.create("docs", IndexSettings())
        yield made


@pytest.fixture
def make_embedder():
    return Embedder


@pytest.fixture
def stream():
    """Makes the events of an ingestion."""
    return events
