"""Blocking calls to a Chroma client, in the terms of the port."""

import logging
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from chromadb.api import ClientAPI
from chromadb.errors import ChromaError, NotFoundError

from jarvis_adapters.chroma import reading
from jarvis_adapters.chroma.errors import NoSuchCollection, describe
from jarvis_adapters.chroma.records import BUILDING, WHOLE, configuration, name_in_chroma, read, record
from jarvis_adapters.chroma.where import encode
from jarvis_ports.embedding import Matrix
from jarvis_ports.errors import StoreFailure
from jarvis_ports.filters import Filter
from jarvis_ports.store import CollectionSpec, Match, Row, Rows

logger = logging.getLogger(__name__)

PAGE = 100
"""The number of collections listed at a time."""

Handle = tuple[Any, CollectionSpec]
T = TypeVar("T")


class Engine:
    """A Chroma client in the terms of the port. It is thread-safe if the client is.

    Args:
        client: the client.
        clean_up: called after a collection was deleted.
    """

    def __init__(self, client: ClientAPI, clean_up: Callable[[], None] = lambda: None) -> None:
        self._client = client
        self._clean_up = clean_up
        self._handles: dict[str, Handle] = {}

    def specs(self) -> list[CollectionSpec]:
        """List the collections that Jarvis made, by name."""
        return sorted((spec for spec, state, _ in self._ours() if state == WHOLE), key=lambda spec: spec.name)

    def heartbeat(self) -> None:
        """Raise an error if Chroma does not answer."""
        self._client.heartbeat()

    def create(self, spec: CollectionSpec) -> CollectionSpec:
        """Make a collection if there is none of that name, and return the spec of the one that is there."""
        try:
            return self._open(spec.name)[1]
        except NoSuchCollection:
            pass
        try:
            self._handles[spec.name] = self._make(spec.name, spec, WHOLE), spec
        except ChromaError as error:
            if "already exists" not in str(error):
                raise
            try:
                return self._open(spec.name)[1]  # another client was quicker
            except NoSuchCollection:
                msg = f"Chroma has a collection {spec.name!r} that Jarvis did not make; choose another name"
                raise StoreFailure(msg) from None
        return spec

    def spec(self, name: str) -> CollectionSpec:
        """Return the spec of a collection."""
        return self._open(name)[1]

    def set_ef_search(self, spec: CollectionSpec) -> None:
        """Change `ef_search` in place."""
        changes = {"hnsw": {"ef_search": spec.index.ef_search}}
        self._on(spec.name, lambda c, _: c.modify(metadata=record(spec), configuration=changes))
        self._handles.pop(spec.name)

    def drop(self, name: str) -> None:
        """Delete a collection."""
        self._open(name)
        self._handles.pop(name)
        self._delete(name)

    def count(self, name: str) -> int:
        """Count the rows."""
        return self._on(name, lambda collection, _: int(collection.count()))

    def upsert(self, name: str, rows: Sequence[Row], vectors: Matrix) -> None:
        """Insert or replace rows in one call, and clear keys that a new row lacks: Chroma would keep them."""

        def write(collection: Any, _: CollectionSpec) -> None:  # noqa: ANN401 - chromadb is not typed here
            ids = [row.id for row in rows]
            there = collection.get(ids=ids, include=["metadatas"])
            stale = {
                id_: dict.fromkeys(keys or {})
                for id_, keys in zip(there["ids"], there["metadatas"], strict=True)
            }
            keys = [{**stale.get(row.id, {}), **encode(row.metadata)} or None for row in rows]
            collection.upsert(
                ids=ids, documents=[row.text for row in rows], embeddings=vectors, metadatas=keys
            )

        self._on(name, write)

    def delete(self, name: str, ids: Sequence[str]) -> None:
        """Delete rows."""
        self._on(name, lambda collection, _: collection.delete(ids=list(ids)))

    def ids(self, name: str, filter_: Filter | None = None) -> list[str]:
        """List the ids of the rows that pass a filter."""
        return self._on(name, lambda collection, _: reading.ids(collection, filter_))

    def get(self, name: str, ids: Sequence[str], *, vectors: bool) -> Rows:
        """Read rows, in the order asked for."""
        return self._on(name, lambda collection, spec: reading.get(collection, spec, ids, vectors=vectors))

    def query(self, name: str, vector: Matrix, top_k: int, filter_: Filter | None) -> list[Match]:
        """Find the nearest rows with the HNSW index, or by an exact search if that finds too few."""
        return self._on(
            name, lambda collection, spec: reading.query(collection, spec, vector, top_k, filter_)
        )

    def unreachable(self, name: str, ids: Sequence[str]) -> list[str]:
        """Return the ids of those rows that the index does not find by their own vectors."""
        return self._on(name, lambda collection, spec: reading.unreachable(collection, spec, ids))

    def begin(self, spec: CollectionSpec, successor: str) -> None:
        """Make the empty collection that a rebuild fills; delete what earlier rebuilds left behind."""
        for other, state, name in self._ours():
            if state == BUILDING and other.name == spec.name:
                self._delete(name)
        self._handles[successor] = self._make(successor, spec, BUILDING), spec

    def abandon(self, successor: str) -> None:
        """Delete the collection that a rebuild made, unless it has replaced the old one."""
        if self._handles.pop(successor, None):
            self._delete(successor)

    def swap(self, spec: CollectionSpec, successor: str) -> None:
        """Replace a collection with its rebuilt successor, which counts as soon as it is marked WHOLE."""
        collection, _ = self._handles[successor]
        collection.modify(metadata=record(spec, WHOLE))
        self._handles[spec.name] = self._handles.pop(successor)[0], spec
        try:
            self._delete(spec.name)
            collection.modify(name=name_in_chroma(spec.name))
        except Exception as error:  # noqa: BLE001 - whatever Chroma raises, `recover` will do it
            logger.warning(
                "the old collection %r is deleted at the next start: %s", spec.name, describe(error)
            )

    def recover(self, *, alone: bool) -> None:
        """Finish interrupted swaps; if there is no other client, delete interrupted rebuilds."""
        for spec, state, name in self._ours():
            if state == BUILDING and alone:
                self._delete(name)
            elif state == WHOLE and name != name_in_chroma(spec.name):
                self._delete(spec.name)
                found = self._client.get_collection(name, embedding_function=None)
                found.modify(name=name_in_chroma(spec.name))

    def _ours(self) -> list[tuple[CollectionSpec, str, str]]:
        """List the collections that Jarvis made, with their states and their names in Chroma."""
        ours = []
        for start in range(0, self._client.count_collections(), PAGE):
            page = self._client.list_collections(limit=PAGE, offset=start)
            ours += [(*found, there.name) for there in page if (found := read(there.metadata))]
        return ours

    def _make(self, name: str, spec: CollectionSpec, state: str) -> Any:  # noqa: ANN401
        return self._client.create_collection(
            name_in_chroma(name),
            metadata=record(spec, state),
            configuration=configuration(spec),
            embedding_function=None,
        )

    def _delete(self, name: str) -> None:
        try:
            self._client.delete_collection(name_in_chroma(name))
        except NotFoundError:
            return
        self._clean_up()

    def _open(self, name: str) -> Handle:
        if handle := self._handles.get(name):
            return handle
        try:
            collection = self._client.get_collection(name_in_chroma(name), embedding_function=None)
        except NotFoundError:
            raise NoSuchCollection(name) from None
        if not (found := read(collection.metadata)):
            raise NoSuchCollection(name)
        self._handles[name] = collection, found[0]
        return self._handles[name]

    def _on(self, name: str, work: Callable[[Any, CollectionSpec], T]) -> T:
        """Run `work` on a collection; try again if another client has replaced the collection."""
        try:
            return work(*self._open(name))
        except NotFoundError:
            self._handles.pop(name, None)
            try:
                return work(*self._open(name))
            except NotFoundError:
                raise NoSuchCollection(name) from None
