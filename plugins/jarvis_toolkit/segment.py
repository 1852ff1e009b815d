"""A part of the rows that are searched in memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from jarvis_ports.embedding import Matrix
from jarvis_ports.filters import Filter
from jarvis_ports.store import Match, Row, Space
from jarvis_toolkit.columns import Columns, Mask
from jarvis_toolkit.similarity import scales, similar, similarities

if TYPE_CHECKING:
    from jarvis_toolkit.codes import Codes

Slots = NDArray[np.int64]
LEAST_SAMPLE, SAMPLE = 1000, 4096
"""The least and the most rows by which codes are chosen: faiss uses 39 to 256 for each of 16 values."""
GATHERED = 4
"""Below one row in so many, the vectors of those that are compared are copied; else, all are compared."""
PROBES, NEAREST, LEAST_FOUND = 20, 10, 0.95
"""How many rows codes are tried for, how many are nearest to each, and the share of these to be found."""
LEAST_PROBED, PROBED = 500, 133
"""Among how many rows these must be, and among one in how many: fewer than a search has compared."""
RECODED = 1.125
"""By how much a segment has to grow before its codes are chosen anew."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Rows in slots, of which the first `len(alive)` are taken; those that are not `alive` were deleted.

    No slot is rewritten, so that readers may go on with a segment while its successor is written.

    Attributes:
        matrix: the vectors, shape (slots, dimension).
        scales: for the cosine, the inverse lengths of the vectors.
        codes: of the vectors; None if all are compared.
        coded_by: the number of rows that the codes were chosen by.
    """

    space: Space
    matrix: Matrix
    scales: NDArray[np.float32]
    rows: list[Row]
    columns: Columns
    alive: Mask = field(default_factory=lambda: np.empty(0, bool))
    codes: "Codes | None" = None
    coded_by: int = 0

    @classmethod
    def empty(cls, space: Space, dimension: int, slots: int) -> Self:
        """Return one without rows."""
        matrix, rows = np.empty((slots, dimension), np.float32), list[Row]()
        return cls(space, matrix, np.empty(slots, np.float32), rows, Columns(rows))

    @property
    def room(self) -> int:
        """The number of free slots."""
        return len(self.matrix) - len(self.alive)

    @property
    def live(self) -> int:
        """The number of rows that were not deleted."""
        return int(np.count_nonzero(self.alive))

    @property
    def to_be_coded(self) -> bool:
        """Whether codes are missing, or do not fit, and there are rows to choose others by."""
        least = max(LEAST_SAMPLE, RECODED * self.coded_by)
        return len(self.alive) >= least and (self.codes is None or self.codes.misfit)

    def enlarged(self, slots: int) -> Self:
        """Return it with so many slots."""
        used, larger = len(self.alive), self.empty(self.space, self.matrix.shape[1], slots)
        larger.matrix[:used], larger.scales[:used] = self.matrix[:used], self.scales[:used]
        return replace(self, matrix=larger.matrix, scales=larger.scales)

    def successor(self) -> Self:
        """Return an empty one that comes after it, as large, with its codes until there are rows enough."""
        empty = self.empty(self.space, self.matrix.shape[1], len(self.matrix))
        if self.codes is None:
            return empty
        return replace(empty, codes=self.codes.successor())

    def coded(self) -> Self:
        """Return it with codes that are chosen by its rows; without, if they do not find what is nearest."""
        from jarvis_toolkit.codes import Codes  # noqa: PLC0415 - imports faiss

        used = len(self.alive)
        chosen = np.random.default_rng(0).choice(used, min(SAMPLE, used), replace=False)
        codes = Codes(self.space, self.matrix[np.sort(chosen)])
        codes.add(self.matrix[:used])
        return replace(self, codes=codes if self._found_by(codes) else None, coded_by=used)

    def _found_by(self, codes: "Codes") -> bool:
        """Return whether codes find the rows that are nearest to some of them; of odd vectors they do not."""
        found, used = 0, len(self.alive)
        for slot in np.linspace(0, used - 1, PROBES, dtype=int):
            rough = similar(self.matrix[:used], self.scales[:used], self.matrix[slot], self.space)
            _, near = codes.nearest(self.matrix[slot], max(LEAST_PROBED, used // PROBED))
            least = np.partition(rough, -NEAREST)[-NEAREST]
            found += min(NEAREST, int(np.count_nonzero(rough[near] >= least)))
        return found >= LEAST_FOUND * NEAREST * PROBES

    def extended(self, rows: Sequence[Row], vectors: Matrix) -> Self:
        """Return it with more rows, for which there is room."""
        used, end = len(self.alive), len(self.alive) + len(rows)
        self.matrix[used:end] = vectors
        self.scales[used:end] = scales(vectors, self.space)
        if self.codes is not None:
            self.codes.add(vectors)
        self.rows.extend(rows)
        return replace(self, alive=np.append(self.alive, np.ones(len(rows), bool)))

    def without(self, slots: Sequence[int]) -> Self:
        """Return it without the rows in some slots."""
        alive = self.alive.copy()
        alive[slots] = False
        return replace(self, alive=alive)

    def passing(self, filter_: Filter | None) -> Mask:
        """Return which slots have a row that was not deleted and passes a filter."""
        return self.alive if filter_ is None else self.alive & self.columns.passing(filter_, len(self.alive))

    def nearest(self, vector: Matrix, top_k: int, slots: Slots) -> Iterator[Match]:
        """Return the `top_k` nearest of the rows in some slots, in any order."""
        used = len(self.alive)
        if GATHERED * len(slots) < used:
            rough = similar(self.matrix[slots], self.scales[slots], vector, self.space)
        else:
            rough = similar(self.matrix[:used], self.scales[:used], vector, self.space)[slots]
        if top_k < len(slots):
            slots = slots[np.argpartition(-rough, top_k)[:top_k]]
        # In single precision the best may be in the wrong order, and their similarities inexact.
        exact = similarities(self.matrix[slots], vector, self.space)
        return (Match(self.rows[slot], float(each)) for slot, each in zip(slots.tolist(), exact, strict=True))
