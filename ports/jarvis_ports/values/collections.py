"""Collections, their rows, and what is done with them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from jarvis_ports.values.enums import OpenEnum
from jarvis_ports.values.filters import Filter, Metadata

if TYPE_CHECKING:
    from jarvis_ports.embedding import Matrix


class Space(OpenEnum):
    """The measure of how near two vectors are; the nearer they are, the larger is their similarity."""

    COSINE = "cosine"
    """Cosine of the angle, in [-1, 1]."""
    L2 = "l2"
    """Squared Euclidean distance, negated."""
    IP = "ip"
    """Inner product."""


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """How a collection is indexed. The HNSW parameters are those of https://arxiv.org/abs/1603.09320.

    `max_neighbors` is its M; `ef_construction` and `ef_search` are the numbers of candidates examined while
    building and searching. A store that searches exactly keeps and reports them, but has no use for them.
    """

    space: Space = Space.COSINE
    max_neighbors: int = 64
    ef_construction: int = 400
    ef_search: int = 200


@dataclass(frozen=True, slots=True)
class IndexChanges:
    """New index settings of a collection; None keeps a setting, or for a new collection means the default."""

    space: Space | None = None
    max_neighbors: int | None = None
    ef_construction: int | None = None
    ef_search: int | None = None

    def applied(self, index: IndexSettings) -> IndexSettings:
        """Return the settings with these changes."""
        changed = {name: getattr(self, name) for name in self.__slots__ if getattr(self, name) is not None}
        return replace(index, **changed)


@dataclass(frozen=True, slots=True)
class CollectionRequest:
    """A collection to make or to rebuild, and how to index it."""

    name: str
    index: IndexChanges = IndexChanges()


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection; `mismatch` says what prevents its use, and is empty if nothing does.

    `max_document_bytes` is the size of the largest document that it accepts.
    """

    name: str
    dimension: int
    embedder: str
    index: IndexSettings
    rows: int
    mismatch: str = ""
    max_document_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of long work, in rows."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The result of a check; `unreachable_ids` name the first 100 of the rows that no search finds.

    `counts` has the number of rows according to each place that counts them ("store", "sparse"); they agree
    if all is well.
    """

    ok: bool
    checked: int
    unreachable: int
    unreachable_ids: tuple[str, ...]
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Row:
    """One text with its metadata; its vector is kept separately."""

    id: str
    text: str
    metadata: Metadata = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Upsert:
    """Rows to store, each with a vector of shape (dimension,), or None if its text must be embedded."""

    collection: str
    rows: Sequence[Row]
    vectors: "Sequence[Matrix | None]"
    truncate: bool = False


@dataclass(frozen=True, slots=True)
class Deletion:
    """Rows to delete: by id, by filter, or with both, those of these ids that pass the filter."""

    collection: str
    ids: tuple[str, ...] = ()
    filter: Filter | None = None
    dry_run: bool = False
