"""Rough search in memory: codes of vectors, of which faiss compares a hundred thousand in a millisecond."""

from contextlib import AbstractContextManager, nullcontext
from copy import copy
from threading import Lock
from typing import Any, Self

import faiss
import numpy as np
from numpy.typing import NDArray

from jarvis_ports.embedding import Matrix
from jarvis_ports.store import Space

CENTRES = 16
"""Without, the 2,000 of 100,000 vectors that are nearest by codes had 12 in 100 of the nearest ten, and with
them 99, where the vectors were about five topics and close together."""
LARGEST = 1e15
"""Components are cut to this, so that faiss can square and add them; codes are rough anyway."""
ROUNDS = 10
"""How often the 16 values are adjusted; faiss would do so 25 times, which takes twice as long for nothing."""

TRIED, WINDOW = 4, 1000
"""The error of its code is computed for one row in so many, and compared for so many rows together."""
MISFIT = 1.1
"""How much larger the errors of a window may be than those of the sample; at random they differ by 1 %."""


class Codes:
    """Codes of vectors by their positions, in the order in which they are added.

    A vector is the sum of the nearest of 16 centres and a rest, of which two components together become one
    of 16 values, in 4 bits, so that a code takes a quarter of a byte for each component. That is product
    quantization of residuals, whose tables faiss keeps in the registers of the CPU
    (https://inria.hal.science/inria-00514462, and https://arxiv.org/abs/1812.09162 on FastScan). A search
    leaves no centre out.

    One thread at a time may add, and any number may search meanwhile.

    Attributes:
        misfit: whether vectors were added for which other values should be chosen: of a topic or a language
            that the sample did not have, codes may find fewer than half of the nearest.

    Args:
        space: how vectors are compared.
        sample: some vectors by which the 16 values are chosen, shape (at least 624, dimension).
    """

    def __init__(self, space: Space, sample: Matrix) -> None:
        faiss.omp_set_num_threads(1)  # of this thread; requests that run beside it need the others
        self._space = space
        # The nearest by the cosine are the nearest by L2 too, as lengths are 1, and errors are smaller by L2.
        flat = faiss.IndexFlatIP if space is Space.IP else faiss.IndexFlatL2
        self._dimension = sample.shape[1] + sample.shape[1] % 2
        centres: faiss.Index = flat(self._dimension)
        self._index: Any = faiss.IndexIVFPQFastScan(
            centres, self._dimension, CENTRES, self._dimension // 2, 4, centres.metric_type
        )
        self._index.by_residual = True
        self._index.nprobe = CENTRES
        self._index.cp.niter = self._index.pq.cp.niter = ROUNDS
        self._index.train(self._comparable(sample))
        self._adding: AbstractContextManager[object] = Lock()
        self._sample_error = self._errors(self._comparable(sample)).mean()
        self._window = np.empty(0)
        self.misfit = False

    def add(self, vectors: Matrix) -> None:
        """Add vectors, shape (any number, dimension)."""
        faiss.omp_set_num_threads(1)
        given = self._comparable(vectors)
        with self._adding:
            self._index.add(given)
        self._window = np.append(self._window, self._errors(given[::TRIED]))
        if len(self._window) >= WINDOW // TRIED:
            self.misfit |= bool(self._window.mean() > MISFIT * self._sample_error)
            self._window = np.empty(0)

    def successor(self) -> Self:
        """Return codes of the same values, of no vectors yet; to these no more vectors are added."""
        new = copy(self)
        new._index = faiss.clone_index(self._index)
        new._index.reset()
        new._adding, self._adding = Lock(), nullcontext()
        new.misfit = False
        return new

    def nearest(self, vector: Matrix, count: int) -> tuple[Matrix, NDArray[np.int64]]:
        """Return at most `count` vectors that are nearest by their codes, in any order.

        Args:
            vector: shape (dimension,).
            count: at least 1.

        Returns:
            How near each of them is, the larger the nearer, and its position.
        """
        faiss.omp_set_num_threads(1)
        query = self._comparable(vector[np.newaxis])
        with self._adding:
            if not self._index.ntotal:
                return np.empty(0, np.float32), np.empty(0, np.int64)
            (found,), (positions,) = self._index.search(query, min(count, self._index.ntotal))
        there = positions >= 0
        return (found if self._space is Space.IP else -found)[there], positions[there]

    def _errors(self, vectors: Matrix) -> NDArray[np.float64]:
        """Return the squared distance of each vector from what its code stands for."""
        centres, quantizer = self._index.quantizer, self._index.pq
        _, nearest = centres.search(vectors, 1)
        rest = vectors - centres.reconstruct_batch(nearest[:, 0])
        missed = np.square(rest - quantizer.decode(quantizer.compute_codes(rest)), dtype=np.float64)
        return np.asarray(missed.sum(axis=1))

    def _comparable(self, vectors: Matrix) -> Matrix:
        """Return vectors as faiss compares them: of length 1 for the cosine, and with as many components."""
        found = np.zeros((len(vectors), self._dimension), np.float32)
        if self._space is Space.COSINE:
            exact = vectors.astype(np.float64)
            vectors = exact / np.linalg.norm(exact, axis=1, keepdims=True)
        found[:, : vectors.shape[1]] = np.clip(vectors, -LARGEST, LARGEST)
        return found
