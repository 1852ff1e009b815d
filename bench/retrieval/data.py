"""Vectors of length 1 to search among, and to search with."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.corpus import docstrings, sentences
from jarvis.models import resolve
from jarvis_ports.embedding import Matrix

EMBEDDER = "all-minilm-l6-v2"
CLUSTERS = 100
SPREAD = 0.3
"""The standard deviation within a cluster; the distance between centres is about 1.4."""
MANY = 10_000
"""From so many texts on, a bar shows how far embedding them has come."""
SENTENCES = "sentences-384"
"""Real vectors in large number: 150,000 sentences, which take some minutes to embed."""
KINDS = ("random-768", "random-384", "clustered-768", "clustered-384", "real-384")


@dataclass(frozen=True)
class Data:
    """The rows' `vectors`, shape (rows, dimension), and `texts`; `queries` of shape (queries, dimension)."""

    kind: str
    vectors: Matrix
    queries: Matrix
    texts: list[str]

    def truth(self, top_k: int) -> NDArray[np.int64]:
        """Return the numbers of the rows nearest to each query, shape (queries, top_k)."""
        return np.argsort(-(self.queries @ self.vectors.T), axis=1)[:, :top_k]

    def exactly(self, query: Matrix, top_k: int) -> list[str]:
        """Return the ids of the rows nearest to one query, the nearest first, as numpy finds them."""
        similarities = self.vectors @ query
        best = np.argpartition(-similarities, top_k - 1)[:top_k]
        return [str(i) for i in best[np.argsort(-similarities[best])]]


def make(kind: str, rows: int, queries: int) -> Data:
    """Make the data of a kind, which are the same each time."""
    if kind == SENTENCES:
        return _sentences(rows, queries)
    shape, _, dimension = kind.partition("-")
    if shape == "real":
        return _real(kind, rows, queries)
    rng = np.random.default_rng(0)
    all_ = rng.standard_normal((rows + queries, int(dimension)), dtype=np.float32)
    if shape == "clustered":
        centres = unit(rng.standard_normal((CLUSTERS, int(dimension)), dtype=np.float32))
        all_ = centres[rng.integers(CLUSTERS, size=len(all_))] + all_ * np.float32(
            SPREAD / int(dimension) ** 0.5
        )
    all_ = unit(all_)
    return Data(kind, all_[:rows], all_[rows:], [f"text {i} " * 50 for i in range(rows)])


def _real(kind: str, rows: int, queries: int) -> Data:
    found = docstrings()[:rows]
    texts = [one.rest for one in found]
    # The questions are spread evenly, so that they are about all of the library.
    asked = [one.first for one in found[:: max(1, len(found) // queries)]][:queries]
    return Data(kind, _embedded(texts), _embedded(asked), texts)


def _sentences(rows: int, queries: int) -> Data:
    """Return sentences to search among, and others to search with; at most as many as there are."""
    texts = sentences()
    shuffle = np.random.default_rng(0).permutation(len(texts))[: rows + queries]
    texts = [texts[i] for i in shuffle]
    vectors = _embedded(texts)
    return Data(SENTENCES, vectors[queries:], vectors[:queries], texts[queries:])


def _embedded(texts: list[str]) -> Matrix:
    import torch  # noqa: PLC0415 - takes seconds
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - takes seconds

    model = SentenceTransformer(str(resolve(EMBEDDER)), device="cpu")
    with torch.autocast("cpu", torch.bfloat16):
        vectors: Matrix = model.encode(texts, normalize_embeddings=True, show_progress_bar=len(texts) > MANY)
    return vectors.astype(np.float32)


def unit(matrix: Matrix) -> Matrix:
    """Scale rows to length 1."""
    return matrix / np.linalg.norm(matrix, axis=1, keepdims=True)
