"""A part of the rows that are searched in memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from jarvis_ports.embedding import Matrix
from jarvis_ports.filters import Filter, matches
from jarvis_ports.store import Match, Row, Space
from jarvis_toolkit.postings import Postings
from jarvis_toolkit.similarity import scales, similar, similarities

if TYPE_CHECKING:
    from jarvis_toolkit.codes import Codes

Slots = NDArray[np.int64]
LEAST_SAMPLE, SAMPLE = 1000, 4096
"""The least and the most rows by which codes are chosen: faiss uses 39 to 256 for each of 16 values."""
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
    rows: list[Row] = field(default_factory=list)
    alive: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, bool))
    codes: "Codes | None" = None
    coded_by: int = 0
    postings: Postings = field(default_factory=Postings)

    @classmethod
    def empty(cls, space: Space, dimension: int, slots: int) -> Self:
        """Return one without rows."""
        return cls(space, np.empty((slots, dimension), np.float32), np.empty(slots, np.float32))

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
        """Return it with codes that are chosen by its rows, at least `LEAST_SAMPLE`."""
        from jarvis_toolkit.codes import Codes  # noqa: PLC0415 - imports faiss

        used = len(self.alive)
        chosen = np.random.default_rng(0).choice(used, min(SAMPLE, used), replace=False)
        codes = Codes(self.space, self.matrix[np.sort(chosen)])
        codes.add(self.matrix[:used])
        if self.codes is None:
            self.postings.add(0, self.rows)
        return replace(self, codes=codes, coded_by=used)

    def extended(self, rows: Sequence[Row], vectors: Matrix) -> Self:
        """Return it with more rows, for which there is room."""
        used, end = len(self.alive), len(self.alive) + len(rows)
        self.rows.extend(rows)
        if self.codes is not None:
            self.codes.add(vectors)
            self.postings.add(used, rows)
        self.matrix[used:end] = vectors
        self.scales[used:end] = scales(vectors, self.space)
        return replace(self, alive=np.append(self.alive, np.ones(len(rows), bool)))

    def without(self, slots: Sequence[int]) -> Self:
        """Return it without the rows in some slots."""
        alive = self.alive.copy()
        alive[slots] = False
        return replace(self, alive=alive)

    def nearest(
        self, vector: Matrix, top_k: int, filter_: Filter | None, among: Slots | None = None
    ) -> Iterator[Match]:
        """Return the `top_k` nearest rows that pass a filter, in any order; among some slots, or all."""
        slots = self._nearest(vector, top_k, filter_, among)
        # In single precision the best may be in the wrong order, and their similarities inexact.
        exact = similarities(self.matrix[slots], vector, self.space)
        return (Match(self.rows[slot], float(each)) for slot, each in zip(slots, exact, strict=True))

    def _nearest(self, vector: Matrix, top_k: int, filter_: Filter | None, among: Slots | None) -> list[int]:
        """Compare in single precision; apply the filter from the nearest on, until enough pass."""
        where: Slots | slice = slice(len(self.alive)) if among is None else among
        slots = np.arange(len(self.alive)) if among is None else among
        alive = self.alive[where]
        rough = similar(self.matrix[where], self.scales[where], vector, self.space)
        rough[~alive] = -np.inf
        live = int(np.count_nonzero(alive))
        if filter_ is None:
            wanted = min(top_k, live)
            return slots[np.argpartition(-rough, wanted - 1)[:wanted]].tolist() if wanted else []
        passing = (
            slot
            for slot in slots[np.argsort(-rough)[:live]].tolist()
            if matches(filter_, self.rows[slot].metadata)
        )
        return list(islice(passing, top_k))
