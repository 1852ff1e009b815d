"""Helpers that the store adapters share."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict

import numpy as np

from jarvis_ports.embedding import Matrix
from jarvis_ports.errors import StoreFailure
from jarvis_ports.store import CollectionSpec, Row, Rows

Embed = Callable[[Sequence[Row]], Awaitable[Matrix]]


def differences(there: CollectionSpec, wanted: CollectionSpec) -> dict[str, str]:
    """Return how a collection differs, by setting: "ef_construction is 100 and not 400"."""
    one, other = _flat(there), _flat(wanted)
    return {key: f"{key} is {one[key]} and not {other[key]}" for key in one if one[key] != other[key]}


async def new_vectors(spec: CollectionSpec, page: Rows, embed: Embed | None) -> Matrix:
    """Return the vectors for some rows in a rebuild: those from `embed`, or the rows' own.

    Raises:
        StoreFailure: the vectors do not have the shape (rows, spec.dimension).
    """
    vectors = page.vectors if embed is None else await embed(page.rows)
    shape = None if vectors is None else vectors.shape
    if vectors is None or shape != (len(page.rows), spec.dimension):
        wanted = len(page.rows), spec.dimension
        msg = f"the new vectors for {spec.name!r} have the shape {shape} and not {wanted}"
        raise StoreFailure(msg)
    return np.asarray(vectors, np.float32)


def _flat(spec: CollectionSpec) -> dict[str, object]:
    fields = asdict(spec)
    index = fields.pop("index")
    return {**fields, **index}
