"""What else could search many rows: an index of each kind, made of all of the rows at once."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

import chromadb
import numpy as np
from chromadb import Collection
from chromadb.config import Settings
from usearch.index import Index

from bench.retrieval.data import Data
from jarvis_ports.embedding import Matrix

BATCH = 1000
"""The number of rows written at a time."""
TOP_K = 10
THREADS = 2
Search = Callable[[Matrix], Sequence[str]]
Peer = Callable[[Data], AbstractContextManager[Search]]


@contextmanager
def numpy(data: Data) -> Iterator[Search]:
    """Compare all rows."""
    yield lambda query: data.exactly(query, TOP_K)


def usearch(**settings: int) -> Peer:
    """Return an HNSW graph over 16-bit floats."""

    @contextmanager
    def made(data: Data) -> Iterator[Search]:
        index = Index(ndim=data.vectors.shape[1], metric="ip", dtype="f16", **settings)
        for start in range(0, len(data.vectors), BATCH):
            page = data.vectors[start : start + BATCH]
            index.add(np.arange(start, start + len(page)), page, threads=THREADS)
        yield lambda query: [str(key) for key in index.search(query, TOP_K).keys]

    return made


@contextmanager
def chroma_collection(data: Data, **hnsw: int) -> Iterator[Collection]:
    """Fill a collection of Chroma with such an index, in a folder that is deleted at the end."""
    with (
        tempfile.TemporaryDirectory() as folder,
        chromadb.PersistentClient(folder, settings=Settings(anonymized_telemetry=False)) as client,
    ):
        collection = client.create_collection(
            "bench", configuration={"hnsw": {"space": "cosine", **hnsw}}, embedding_function=None
        )
        for start in range(0, len(data.texts), BATCH):
            end = min(start + BATCH, len(data.texts))
            ids = [str(i) for i in range(start, end)]
            collection.upsert(ids=ids, documents=data.texts[start:end], embeddings=data.vectors[start:end])
        yield collection


def chroma_search(collection: Collection, query: Matrix, top_k: int) -> list[str]:
    """Return the ids of the rows that Chroma finds nearest."""
    return list(collection.query(query_embeddings=query[np.newaxis], n_results=top_k)["ids"][0])


@contextmanager
def chroma(data: Data) -> Iterator[Search]:
    """Use Chroma with its own settings."""
    with chroma_collection(data) as collection:
        yield lambda query: chroma_search(collection, query, TOP_K)


PEERS: dict[str, Peer] = {
    "numpy, exact": numpy,
    "usearch, its defaults": usearch(),
    "usearch, tuned": usearch(connectivity=32, expansion_add=256, expansion_search=1024),
    "Chroma, its defaults": chroma,
}
"""A graph is tuned by how many neighbours a row has, and how many rows are looked at to write and find it."""
