"""Exact search in memory for store adapters: rows, with their vectors in one matrix."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jarvis_ports.embedding import Matrix
from jarvis_ports.filters import Filter, matches
from jarvis_ports.store import Match, Row, Rows, Space

Floats = NDArray[np.floating[Any]]
LEAST_CAPACITY = 64
BLOCK = 1024
"""The number of rows whose differences to a query are in memory at once."""


@dataclass(frozen=True, slots=True)
class _View:
    """What a reader sees: the first `len(alive)` slots. No slot is rewritten, so a view stays valid."""

    rows: list[Row]
    matrix: Matrix
    scales: NDArray[np.float32]
    alive: NDArray[np.bool_]

    def rest(self) -> int:
        """Return the number of free slots."""
        return len(self.matrix) - len(self.alive)


class ExactIndex:
    """The rows of one collection.

    One thread at a time may write; any number may read meanwhile, and never see half of a write. A row takes
    the memory of its text and metadata, and up to twice that of its vector (4 bytes per component).
    """

    def __init__(self, space: Space, dimension: int) -> None:
        self._space = space
        self._slots: dict[str, int] = {}
        self._view = _empty(dimension, LEAST_CAPACITY)
        self._publishing = Lock()

    def __len__(self) -> int:
        return len(self._slots)

    def upsert(self, rows: Sequence[Row], vectors: Matrix) -> None:
        """Insert rows, or replace those with the same id; `vectors` has the shape (rows, dimension)."""
        view = self._with_room(len(rows))
        first = len(view.alive)
        view.rows.extend(rows)
        view.matrix[first : first + len(rows)] = vectors
        view.scales[first : first + len(rows)] = _scales(vectors, self._space)
        replaced = [slot for row in rows if (slot := self._slots.get(row.id)) is not None]
        alive = np.append(view.alive, np.ones(len(rows), bool))
        alive[replaced] = False
        with self._publishing:
            self._slots.update({row.id: first + i for i, row in enumerate(rows)})
            self._view = replace(view, alive=alive)

    def delete(self, ids: Sequence[str]) -> None:
        """Delete rows; ignore ids that do not exist."""
        alive = self._view.alive.copy()
        with self._publishing:
            alive[[slot for id_ in ids if (slot := self._slots.pop(id_, None)) is not None]] = False
            self._view = replace(self._view, alive=alive)

    def get(self, ids: Sequence[str], *, vectors: bool = False) -> Rows:
        """Read rows, in the order asked for; leave out ids that do not exist."""
        with self._publishing:
            view = self._view
            slots = [slot for id_ in ids if (slot := self._slots.get(id_)) is not None]
        return _take(view, slots, vectors=vectors)

    def pages(self, filter_: Filter | None, size: int, *, vectors: bool = False) -> Iterator[Rows]:
        """Go through the current rows, `size` at a time, and yield those that pass the filter."""
        view = self._view
        live = np.flatnonzero(view.alive)
        for start in range(0, len(live), size):
            slots = [
                slot for slot in live[start : start + size] if matches(filter_, view.rows[slot].metadata)
            ]
            yield _take(view, slots, vectors=vectors)

    def query(self, vector: Matrix, top_k: int, filter_: Filter | None = None) -> list[Match]:
        """Find the `top_k` rows nearest to a vector of shape (dimension,), the nearest first."""
        view = self._view
        used = len(view.alive)
        rough = _similar(view.matrix[:used], view.scales[:used], vector, self._space)
        rough[~view.alive] = -np.inf
        slots = _nearest(view, rough, top_k, filter_)
        # In single precision the best may be in the wrong order, and their similarities inexact.
        exact = similarities(view.matrix[slots], vector, self._space)
        return [Match(view.rows[slots[i]], float(exact[i])) for i in np.argsort(-exact, kind="stable")]

    def _with_room(self, rows: int) -> _View:
        """Return a view with enough free slots; one that had to grow has room for twice its rows."""
        view = self._view
        if view.rest() >= rows:
            return view
        live = np.flatnonzero(view.alive)
        grown = _empty(view.matrix.shape[1], max(LEAST_CAPACITY, 2 * (len(live) + rows)))
        grown.rows.extend(view.rows[slot] for slot in live)
        grown.matrix[: len(live)] = view.matrix[live]
        grown.scales[: len(live)] = view.scales[live]
        with self._publishing:
            self._view = replace(grown, alive=np.ones(len(live), bool))
            self._slots = {row.id: slot for slot, row in enumerate(grown.rows)}
        return self._view


def similarities(vectors: Floats, vector: Floats, space: Space) -> Floats:
    """Compute `Match.similarity` of each row of `vectors` to `vector`, in double precision."""
    exact = vectors.astype(np.float64)
    return _similar(exact, _scales(exact, space), vector.astype(np.float64), space)


def _similar(matrix: Floats, scales: Floats, vector: Floats, space: Space) -> Floats:
    """Compute `Match.similarity` of each row; for the cosine, `scales` are the rows' inverse lengths."""
    match space:
        case Space.COSINE:
            cosines: Floats = np.clip((matrix @ (vector / np.linalg.norm(vector))) * scales, -1, 1)
            return cosines
        case Space.IP:
            products: Floats = matrix @ vector
            return products
        case Space.L2:
            nearness = np.empty(len(matrix), matrix.dtype)
            for start in range(0, len(matrix), BLOCK):
                difference = matrix[start : start + BLOCK] - vector
                nearness[start : start + BLOCK] = -np.einsum("ij,ij->i", difference, difference)
            return nearness


def _scales(vectors: Floats, space: Space) -> Floats:
    if space is Space.COSINE:
        return np.asarray(1 / np.linalg.norm(vectors.astype(np.float64), axis=1))
    return np.ones(len(vectors))


def _nearest(view: _View, similarities: Floats, top_k: int, filter_: Filter | None) -> list[int]:
    """Choose slots; a filter is applied from the nearest row on, until enough rows pass."""
    live = int(np.count_nonzero(view.alive))
    if filter_ is None:
        wanted = min(top_k, live)
        return [] if not wanted else np.argpartition(-similarities, wanted - 1)[:wanted].tolist()
    slots: list[int] = []
    for slot in np.argsort(-similarities)[:live].tolist():
        if matches(filter_, view.rows[slot].metadata):
            slots.append(slot)
            if len(slots) == top_k:
                break
    return slots


def _take(view: _View, slots: Sequence[int], *, vectors: bool) -> Rows:
    return Rows(tuple(view.rows[slot] for slot in slots), view.matrix[list(slots)] if vectors else None)


def _empty(dimension: int, capacity: int) -> _View:
    return _View(
        [],
        np.empty((capacity, dimension), np.float32),
        np.empty(capacity, np.float32),
        np.empty(0, bool),
    )
