"""Rough search in memory: codes of vectors, of which faiss compares a hundred thousand in a millisecond."""

from threading import Lock

import faiss
import numpy as np
from numpy.typing import NDArray

from jarvis_ports.embedding import Matrix
from jarvis_ports.store import Space

SEGMENT = 131_072
"""The number of codes in a complete segment; one that is not is searched under a lock."""


class Codes:
    """Codes of vectors by their positions, in the order in which they are added.

    Two components together become one of 16 values, in 4 bits, so that a code takes a quarter of a byte for
    each component. That is product quantization (https://inria.hal.science/inria-00514462), whose tables
    faiss keeps in the registers of the CPU (FastScan, https://arxiv.org/abs/1812.09162).

    One thread at a time may add, and any number may search meanwhile.

    Args:
        space: how vectors are compared.
        sample: some vectors by which the 16 values are chosen, shape (at least 624, dimension).
    """

    def __init__(self, space: Space, sample: Matrix) -> None:
        faiss.omp_set_num_threads(1)  # of this thread; requests that run beside it need the others
        self._space = space
        metric = faiss.METRIC_L2 if space is Space.L2 else faiss.METRIC_INNER_PRODUCT
        dimension = sample.shape[1] + sample.shape[1] % 2
        self._open: faiss.Index = faiss.IndexPQFastScan(dimension, dimension // 2, 4, metric)
        self._open.train(self._comparable(sample))
        self._empty = faiss.clone_index(self._open)
        self._complete: tuple[faiss.Index, ...] = ()
        self._lock = Lock()

    def add(self, vectors: Matrix) -> None:
        """Add vectors, shape (any number, dimension)."""
        faiss.omp_set_num_threads(1)
        given = self._comparable(vectors)
        while len(given):
            room = SEGMENT - self._open.ntotal
            with self._lock:
                self._open.add(given[:room])
                if self._open.ntotal == SEGMENT:
                    self._complete = (*self._complete, self._open)
                    self._open = faiss.clone_index(self._empty)
            given = given[room:]

    def nearest(self, vector: Matrix, count: int) -> NDArray[np.int64]:
        """Return the positions of the vectors that are nearest by their codes, at most `count`, in any order.

        Args:
            vector: shape (dimension,).
            count: at least 1.
        """
        faiss.omp_set_num_threads(1)
        query = self._comparable(vector[np.newaxis])
        positions: NDArray[np.int64]
        with self._lock:  # this segment alone changes
            complete = self._complete
            found = [_search(self._open, query, count, len(complete) * SEGMENT)]
        found += [_search(one, query, count, number * SEGMENT) for number, one in enumerate(complete)]
        near, positions = (np.concatenate(each) for each in zip(*found, strict=True))
        if len(positions) <= count:
            return positions
        return positions[np.argpartition(-near, count - 1)[:count]]

    def _comparable(self, vectors: Matrix) -> Matrix:
        """Return vectors as faiss compares them: of length 1 for the cosine, and of an even dimension."""
        if self._space is Space.COSINE:
            vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.ascontiguousarray(np.pad(vectors, ((0, 0), (0, vectors.shape[1] % 2))), np.float32)


def _search(segment: faiss.Index, query: Matrix, count: int, first: int) -> tuple[Matrix, NDArray[np.int64]]:
    """Return how near the nearest are, the larger the nearer, and their positions, which begin at `first`."""
    if not segment.ntotal:
        return np.empty(0, np.float32), np.empty(0, np.int64)
    (distances,), (positions,) = segment.search(query, min(count, segment.ntotal))
    there = positions >= 0
    near = distances if segment.metric_type == faiss.METRIC_INNER_PRODUCT else -distances
    return near[there], first + positions[there]
