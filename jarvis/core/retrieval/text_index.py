"""The index that finds rows by their words, as the core sees it."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from jarvis_ports.filters import Filter
from jarvis_ports.store import Row


class Ranked(NamedTuple):
    """A row of a ranking. By words, `score` is that of BM25: above 0, and larger is better."""

    row: Row
    score: float


@dataclass(frozen=True, slots=True)
class DocumentRows:
    """The rows that a document has now.

    `ids` are in the order of their `_ordinal`; `source` is that of the first. If the rows differ in `_hash`,
    as an interrupted replacement leaves them, `hash` is "" and `chunks` is 0.
    """

    document: str
    source: str
    hash: str
    chunks: int
    ids: tuple[str, ...]


class TextIndex(Protocol):
    """Searches the rows of the vector store by their words (BM25), and lists those of a document.

    It is a mirror of the store. A write calls `begin`, then changes the store, then calls `commit`; the
    writes of one collection come one after another. If anything ends the process in between, the ids are
    then in `pending`: the caller reads those rows from the store, and commits what it finds. An index that
    is lost starts again, empty: the caller compares `count` with the store's, and fills it. A collection
    that the index has nothing of is empty, which is not an error.

    All methods raise StoreFailure if the index fails, as on a full disk; nothing is then kept of the write.
    """

    async def begin(self, collection: str, ids: Sequence[str]) -> None:
        """Note in the journal that these rows are about to change in the store; durable once it returns."""
        ...

    async def commit(self, collection: str, upserts: Sequence[Row], deletes: Sequence[str]) -> None:
        """Mirror a change of the store and take its ids off the journal, in one durable transaction.

        Args:
            collection: its name.
            upserts: rows as the store has them now; no id twice.
            deletes: ids of rows that the store does not have; those that the index does not have are ignored.
        """
        ...

    async def pending(self, collection: str) -> list[str]:
        """Return the ids whose change was begun but not committed."""
        ...

    async def collections(self) -> list[str]:
        """Return the sorted names of the collections in which something was begun or committed."""
        ...

    async def count(self, collection: str) -> int:
        """Return the number of rows."""
        ...

    def ids(self, collection: str) -> AsyncGenerator[list[str], None]:
        """Yield the ids of all rows in their order as UTF-8, page by page.

        A row that is written or deleted meanwhile may be included or not; every other one comes once.
        """
        ...

    async def rows(self, collection: str, ids: Sequence[str]) -> list[Row]:
        """Return rows by id, in the order asked for; ids that are not there are left out."""
        ...

    async def filtered(self, collection: str, filter_: Filter | None) -> list[str]:
        """Return the ids of the rows that pass a filter."""
        ...

    async def search(
        self, collection: str, text: str, top_k: int, filter_: Filter | None = None
    ) -> list[Ranked]:
        """Return the rows of the `top_k` texts whose words match a question best, the best first.

        Only rows that pass the filter count. All rows of a text are returned, and have the same score. The
        question is natural language, and may have any characters.
        """
        ...

    async def document(self, collection: str, document: str) -> DocumentRows | None:
        """Return the rows that a document has, or None if it has none."""
        ...

    def documents(self, collection: str) -> AsyncGenerator[list[DocumentRows], None]:
        """Yield all documents by id, page by page; for those that change meanwhile, see `ids`."""
        ...

    async def hashed(self, collection: str, beginning: str, most: int) -> list[DocumentRows]:
        """Return the documents with rows whose `_hash` has this beginning, at most `most` of them, by id."""
        ...

    async def drop(self, collection: str) -> None:
        """Delete a collection with everything in it, including its part of the journal."""
        ...
