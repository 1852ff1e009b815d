"""Reciprocal rank fusion (Cormack et al., SIGIR 2009, https://doi.org/10.1145/1571941.1572114)."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

K = 60
"""The constant of the paper."""


@dataclass(frozen=True, slots=True)
class Fused:
    """A row, its ranks from 1 in the lists that have it, and the sum of 1 / (K + rank)."""

    id: str
    score: float
    dense_rank: int | None
    sparse_rank: int | None


def fuse(dense: Sequence[str], sparse: Sequence[str]) -> list[Fused]:
    """Fuse two rankings of ids, the best first; of two equal scores, the better dense rank comes first."""
    dense_ranks = {id_: rank for rank, id_ in enumerate(dense, 1)}
    sparse_ranks = {id_: rank for rank, id_ in enumerate(sparse, 1)}
    fused = [
        Fused(
            id_,
            _score(dense_ranks.get(id_), sparse_ranks.get(id_)),
            dense_ranks.get(id_),
            sparse_ranks.get(id_),
        )
        for id_ in dense_ranks | sparse_ranks
    ]
    return sorted(fused, key=lambda one: (-one.score, one.dense_rank or inf, one.id))


def _score(*ranks: int | None) -> float:
    return sum(1 / (K + rank) for rank in ranks if rank is not None)
