"""Reads from one collection of a Chroma client."""

import heapq
from collections.abc import Sequence
from typing import Any

import numpy as np

from jarvis_adapters.chroma.where import decode, where
from jarvis_ports.embedding import Matrix
from jarvis_ports.filters import Filter
from jarvis_ports.store import CollectionSpec, Match, Row, Rows, Space
from jarvis_toolkit.memory_index import MemoryIndex

PAGE = 200
"""The number of rows read at a time. A page of 500 with texts and vectors of 384 components takes 80 ms."""
CHECKED = 10
"""The number of hits among which `unreachable` looks for a row."""
TOLERANCE = 1e-5
"""The most by which equal distances may differ in single precision, for vectors of length 1."""


def ids(collection: Any, filter_: Filter | None) -> list[str]:  # noqa: ANN401 - chromadb is not typed here
    """List the ids of the rows that pass a filter."""
    found: list[str] = collection.get(where=filter_ and where(filter_), include=[])["ids"]
    return found


def get(collection: Any, spec: CollectionSpec, wanted: Sequence[str], *, vectors: bool) -> Rows:  # noqa: ANN401
    """Read rows, in the order of `wanted`; ids that are not there are left out."""
    found: dict[str, tuple[Row, Any]] = {}
    include = ["documents", "metadatas", *(["embeddings"] if vectors else [])]
    for start in range(0, len(wanted), PAGE):
        page = collection.get(ids=list(dict.fromkeys(wanted[start : start + PAGE])), include=include)
        embeddings = page["embeddings"] if vectors else page["ids"]
        for id_, text, keys, vector in zip(
            page["ids"], page["documents"], page["metadatas"], embeddings, strict=True
        ):
            found[id_] = Row(id_, text, decode(keys)), vector
    there = [found[id_] for id_ in wanted if id_ in found]
    rows = tuple(row for row, _ in there)
    if not vectors:
        return Rows(rows)
    return Rows(rows, np.array([vector for _, vector in there], np.float32).reshape(-1, spec.dimension))


def query(
    collection: Any,  # noqa: ANN401
    spec: CollectionSpec,
    vector: Matrix,
    top_k: int,
    filter_: Filter | None,
) -> list[Match]:
    """Find the nearest rows with the HNSW index, or by an exact search if that finds fewer than there are."""
    found = collection.query(
        query_embeddings=vector[np.newaxis],
        n_results=top_k,
        where=filter_ and where(filter_),
        include=["documents", "metadatas", "distances"],
    )
    columns = (found[key][0] for key in ("ids", "documents", "metadatas", "distances"))
    matches = [
        Match(Row(id_, text, decode(keys)), _similarity(spec, distance))
        for id_, text, keys, distance in zip(*columns, strict=True)
    ]
    if len(matches) == top_k or (filter_ is None and len(matches) >= collection.count()):
        return matches
    passing = ids(collection, filter_)
    return (
        matches if len(matches) >= len(passing) else _query_exactly(collection, spec, passing, vector, top_k)
    )


def unreachable(collection: Any, spec: CollectionSpec, wanted: Sequence[str]) -> list[str]:  # noqa: ANN401
    """Return the ids of those rows, of at most a page, that the index does not find by their own vectors.

    A hit that is just as near counts as the row: among rows with equal vectors, only the first ones are hits.
    """
    page = get(collection, spec, wanted, vectors=True)
    if page.vectors is None or not page.rows:
        return []
    found = collection.query(query_embeddings=page.vectors, n_results=CHECKED, include=["distances"])
    lost = []
    for row, vector, hits, distances in zip(
        page.rows, page.vectors, found["ids"], found["distances"], strict=True
    ):
        square = float(vector @ vector)
        own = 1 - square if spec.index.space is Space.IP else 0.0
        slack = TOLERANCE * (1 if spec.index.space is Space.COSINE else max(square, 1))
        if row.id not in hits and not any(distance <= own + slack for distance in distances):
            lost.append(row.id)
    # A row that another client has deleted meanwhile is not lost.
    return [row.id for row in get(collection, spec, lost, vectors=False).rows]


def _query_exactly(
    collection: Any,  # noqa: ANN401
    spec: CollectionSpec,
    passing: Sequence[str],
    vector: Matrix,
    top_k: int,
) -> list[Match]:
    best: list[Match] = []
    for start in range(0, len(passing), PAGE):
        page = get(collection, spec, passing[start : start + PAGE], vectors=True)
        if page.vectors is None:
            continue
        index = MemoryIndex(spec.index.space, spec.dimension)
        index.upsert(page.rows, page.vectors)
        best += index.query(vector, top_k)
        best = heapq.nlargest(top_k, best, key=lambda match: match.similarity)
    return best


def _similarity(spec: CollectionSpec, distance: float) -> float:
    match spec.index.space:
        case Space.COSINE:
            return max(-1.0, min(1.0, 1 - distance))
        case Space.L2:
            return -distance
        case Space.IP:
            return 1 - distance
