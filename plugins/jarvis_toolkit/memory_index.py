"""Search in memory for store adapters: rows, with their vectors in one matrix."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from jarvis_ports.embedding import Matrix
from jarvis_ports.filters import Filter, matches
from jarvis_ports.store import Match, Row, Rows, Space
from jarvis_toolkit.postings import Postings

if TYPE_CHECKING:
    from jarvis_toolkit.codes import Codes

Floats = NDArray[np.floating[Any]]
Slots = NDArray[np.int64]
LEAST_CAPACITY = 64
BLOCK = 1024
"""The number of rows whose differences to a query are in memory at once."""
CANDIDATES, SHARE = 2000, 100
"""How many rows are chosen by their codes and compared exactly, and at least one row in how many.

Codes do not tell the rows of a dense cluster apart, so that all of it must be among them. For vectors at
random, 400 of 200,000 rows are enough.
"""
ENOUGH = 40
"""The least number of them that must pass the filter, for each row that is asked for."""
WIDER = 8
"""The factor by which more rows are chosen where too few pass."""
POSTED = 20_000
"""The most rows that are compared exactly because a filter leaves no others."""
LEAST_SAMPLE, SAMPLE = 1000, 20_000
"""The least and the most rows by which codes are chosen; faiss warns below 39 for each of 16 values."""


@dataclass(frozen=True, slots=True)
class _View:
    """What a reader sees: the first `len(alive)` slots. No slot is rewritten, so a view stays valid."""

    rows: list[Row]
    matrix: Matrix
    scales: NDArray[np.float32]
    alive: NDArray[np.bool_]
    codes: "Codes | None" = None
    postings: Postings = field(default_factory=Postings)

    def rest(self) -> int:
        """Return the number of free slots."""
        return len(self.matrix) - len(self.alive)


class MemoryIndex:
    """The rows of one collection.

    One thread at a time may write; any number may read meanwhile, and never see half of a write. A row takes
    the memory of its text and metadata, and up to twice that of its vector (4 bytes per component). While it
    grows, which it does at each doubling, it takes that once more.

    Args:
        space: how vectors are compared.
        dimension: their number of components.
        exact_below: from so many rows on, a query compares all of them by codes, and the nearest exactly;
            that requires faiss. None compares all rows exactly, however many.
        capacity: the number of rows that are expected.
    """

    def __init__(
        self,
        space: Space,
        dimension: int,
        exact_below: int | None = None,
        capacity: int = LEAST_CAPACITY,
    ) -> None:
        self._space = space
        self._capacity = max(capacity, LEAST_CAPACITY)
        self._exact_below = exact_below
        self._slots: dict[str, int] = {}
        self._view = _empty(dimension, self._capacity)
        self._publishing = Lock()

    def __len__(self) -> int:
        return len(self._slots)

    def upsert(self, rows: Sequence[Row], vectors: Matrix) -> None:
        """Insert rows, or replace those with the same id; `vectors` has the shape (rows, dimension)."""
        view = self._with_room(len(rows))
        first = len(view.alive)
        view.rows.extend(rows)
        if view.codes is not None:
            view.codes.add(vectors)
            view.postings.add(first, rows)
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
        slots = self._candidates(view, vector, top_k, filter_)
        # In single precision the best may be in the wrong order, and their similarities inexact.
        exact = similarities(view.matrix[slots], vector, self._space)
        return [Match(view.rows[slots[i]], float(exact[i])) for i in np.argsort(-exact, kind="stable")]

    def _candidates(self, view: _View, vector: Matrix, top_k: int, filter_: Filter | None) -> list[int]:
        """Return the slots of the `top_k` nearest rows that pass the filter, in any order."""
        used = len(view.alive)
        if view.codes is None:
            return self._nearest(view, slice(used), vector, top_k, filter_)
        if (posted := view.postings.slots(filter_, POSTED)) is not None:
            return self._nearest(view, posted[posted < used], vector, top_k, filter_)
        live = int(np.count_nonzero(view.alive))
        # Rows that were replaced or deleted have codes until the next growth.
        count = max(CANDIDATES, live // SHARE, 2 * ENOUGH * top_k) * used // max(1, live)
        while count < used:
            near = view.codes.nearest(vector, count)
            near = near[near < used]
            near = near[view.alive[near]]
            if filter_ is not None:
                passing = [matches(filter_, view.rows[slot].metadata) for slot in near.tolist()]
                near = near[np.array(passing, bool)]
            if len(near) >= ENOUGH * top_k:
                return self._nearest(view, near, vector, top_k, None)
            count *= WIDER
        return self._nearest(view, slice(used), vector, top_k, filter_)

    def _nearest(
        self, view: _View, among: slice | Slots, vector: Matrix, top_k: int, filter_: Filter | None
    ) -> list[int]:
        """Compare some slots in single precision; apply a filter from the nearest on, until enough pass."""
        rough = _similar(view.matrix[among], view.scales[among], vector, self._space)
        slots = np.arange(among.stop) if isinstance(among, slice) else among
        alive = view.alive[among]
        rough[~alive] = -np.inf
        live = int(np.count_nonzero(alive))
        if filter_ is None:
            wanted = min(top_k, live)
            return slots[np.argpartition(-rough, wanted - 1)[:wanted]].tolist() if wanted else []
        passing = (
            slot
            for slot in slots[np.argsort(-rough)[:live]].tolist()
            if matches(filter_, view.rows[slot].metadata)
        )
        return list(islice(passing, top_k))

    def _with_room(self, rows: int) -> _View:
        """Return a view with free slots and with codes, if needed; a new one has room for twice its rows."""
        view = self._view
        needs_codes = self._exact_below is not None and len(self._slots) >= max(
            self._exact_below, LEAST_SAMPLE
        )
        if view.rest() >= rows and needs_codes <= (view.codes is not None):
            return view
        live = np.flatnonzero(view.alive)
        grown = _empty(view.matrix.shape[1], max(self._capacity, 2 * (len(live) + rows)))
        grown.rows.extend(view.rows[slot] for slot in live)
        grown.matrix[: len(live)] = view.matrix[live]
        grown.scales[: len(live)] = view.scales[live]
        codes = _coded(self._space, grown.matrix[: len(live)]) if needs_codes else None
        if needs_codes:
            grown.postings.add(0, grown.rows)
        with self._publishing:
            self._view = replace(grown, alive=np.ones(len(live), bool), codes=codes)
            self._slots = {row.id: slot for slot, row in enumerate(grown.rows)}
        return self._view


def _coded(space: Space, vectors: Matrix) -> "Codes":
    from jarvis_toolkit.codes import Codes  # noqa: PLC0415 - imports faiss

    chosen = np.random.default_rng(0).choice(len(vectors), min(SAMPLE, len(vectors)), replace=False)
    codes = Codes(space, vectors[chosen])
    for start in range(0, len(vectors), SAMPLE):
        codes.add(vectors[start : start + SAMPLE])
    return codes


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


def _take(view: _View, slots: Sequence[int], *, vectors: bool) -> Rows:
    return Rows(tuple(view.rows[slot] for slot in slots), view.matrix[list(slots)] if vectors else None)


def _empty(dimension: int, capacity: int) -> _View:
    return _View(
        [],
        np.empty((capacity, dimension), np.float32),
        np.empty(capacity, np.float32),
        np.empty(0, bool),
    )
