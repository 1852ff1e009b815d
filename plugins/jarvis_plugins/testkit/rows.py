"""The data that the store's tests write, and helpers to read it back."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from jarvis_ports.embedding import Matrix
from jarvis_ports.filters import And, Equals, Exists, Filter, In, Metadata, Not, Or, Range
from jarvis_ports.store import (
    CollectionSpec,
    IndexSettings,
    Match,
    Row,
    Rows,
    Space,
    StoreCheck,
    VectorStore,
)

T = TypeVar("T")

DIMENSION = 8

NAMES = (
    *("a..b", "a...b", "1..2", "a--b", "a__b", "a.-_.b", "Kit.One"),
    *("192.168.1.1", "1.2.3.4", "01.2.3.4", "999.1.1.1", "127.1", "1.2", "1e3", "0x7f.0.0.1"),
    *("CON", "nul", "com1.txt", "null", "None", "default", "select", "rebuild-0", "chroma.sqlite3"),
    *("abc", "000", "a.b", "X" * 63, f"a{'.' * 61}b"),
)
"""Collection names that the contract allows, but that a store may treat specially."""

METADATA: tuple[Metadata, ...] = (
    {},
    *({"x": value} for value in (1, 1.0, True, False, 0, 0.5, -0.0, "1", "", "True", 2, 3, -1, -1.5)),
    *(
        {"x": value}
        for value in (2**53, 2**53 + 1, float(2**53), 2**63 - 1, -(2**63), 1e300, 5e-324, 0.1 + 0.2)
    ),
    {"y": 1},
    {"x": 1, "y": "a"},
    {"x": "b", "y": "a"},
)
"""The metadata of the rows to which the tests apply filters."""

FILTERS: tuple[Filter, ...] = (
    *(
        Equals("x", value)
        for value in (1, 1.0, True, False, 0, 0.0, "1", "", 2**53 + 1, float(2**53), 0.3, 0.1 + 0.2)
    ),
    Equals("none", 1),
    In("x", (1, "1", True)),
    In("x", (2.0, "b", 7)),
    In("x", (True, False)),
    Range("x", gt=1),
    Range("x", gte=1),
    Range("x", lt=1),
    Range("x", lte=0.5),
    Range("x", gt=-1.5, lte=1),
    Range("x", gt=2.0**53),
    Range("x", gte=-(2.0**63), lt=2.0**63),
    Exists("x"),
    Exists("none"),
    Not(Equals("x", 1)),
    Not(In("x", (1, "1"))),
    Not(Range("x", gte=1)),
    Not(Exists("x")),
    And((Equals("y", "a"), Exists("x"))),
    And((Equals("y", "a"),)),
    Or((Equals("y", "a"), Range("x", gt=1e200))),
    Not(And((Equals("y", "a"), Equals("x", 1)))),
    Not(Or((Exists("y"), Range("x", lt=0), Equals("x", value=True)))),
)


def spec_of(name: str) -> CollectionSpec:
    """Return the settings of a collection for the vectors of `vectors_of`."""
    return CollectionSpec(name, DIMENSION, "kit", "1", IndexSettings())


def vectors_of(rows: int, *, dimension: int = DIMENSION, seed: int = 0) -> Matrix:
    """Make random vectors of any length: shape (rows, dimension)."""
    return np.random.default_rng(seed).standard_normal((rows, dimension), dtype=np.float32) * 3


def sample(rows: int) -> tuple[list[Row], Matrix]:
    """Make rows with vectors."""
    made = [Row(f"row {i}", f"text {i}", {"i": i, "parity": "odd" if i % 2 else "even"}) for i in range(rows)]
    return made, vectors_of(rows)


def exact(vectors: Matrix, query: Matrix, space: Space) -> NDArray[np.float64]:
    """Compute similarities in the obvious way, in double precision."""
    rows, one = vectors.astype(np.float64), query.astype(np.float64)
    match space:
        case Space.COSINE:
            found = rows @ one / np.linalg.norm(rows, axis=1) / np.linalg.norm(one)
        case Space.L2:
            found = -np.sum((rows - one) ** 2, axis=1)
        case Space.IP:
            found = rows @ one
    return np.asarray(found)


def ids(matches: Sequence[Match]) -> list[str]:
    """Return the ids of the matched rows."""
    return [match.row.id for match in matches]


async def scan(
    store: VectorStore, name: str, filter_: Filter | None = None, *, vectors: bool = False
) -> Rows:
    """Read all pages of a scan."""
    pages = await run(store.scan(name, filter_, vectors=vectors))
    rows = tuple(row for page in pages for row in page.rows)
    parts = [page.vectors for page in pages if page.vectors is not None]
    return Rows(rows, np.concatenate(parts) if parts else None)


async def diagnose(store: VectorStore, name: str) -> StoreCheck:
    """Check a collection, and return the diagnosis."""
    *progress, last = await run(store.check(name))
    assert not any(isinstance(one, StoreCheck) for one in progress), "there is one diagnosis, and it is last"
    assert isinstance(last, StoreCheck)
    return last


async def run(steps: AsyncGenerator[T, None]) -> list[T]:
    """Read a generator to its end."""
    async with aclosing(steps):
        return [step async for step in steps]
