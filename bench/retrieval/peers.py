"""What else could search many rows: an index of each kind, made of all of the rows at once."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

import chromadb
import numpy as np
from chromadb.config import Settings
from usearch.index import Index

from bench.retrieval.data import Data
from jarvis_ports.embedding import Matrix

BATCH = 1000
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
def chroma(data: Data) -> Iterator[Search]:
    """Use Chroma with its own settings."""
    with (
        tempfile.TemporaryDirectory() as folder,
        chromadb.PersistentClient(folder, settings=Settings(anonymized_telemetry=False)) as client,
    ):
        collection = client.create_collection(
            "bench", configuration={"hnsw": {"space": "cosine"}}, embedding_function=None
        )
        for start in range(0, len(data.vectors), BATCH):
            page = data.vectors[start : start + BATCH]
            collection.add(ids=[str(start + i) for i in range(len(page))], embeddings=page)
        yield lambda query: list(
            collection.query(query_embeddings=query[np.newaxis], n_results=TOP_K)["ids"][0]
        )


PEERS: dict[str, Peer] = {
    "numpy, exact": numpy,
    "usearch, its defaults": usearch(),
    "usearch, tuned": usearch(connectivity=32, expansion_add=256, expansion_search=1024),
    "Chroma, its defaults": chroma,
}
"""A graph is tuned by how many neighbours a row has, and how many rows are looked at to write and find it."""
