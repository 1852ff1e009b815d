"""The collections in use, in the library that is open."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from jarvis.core.embedding import Embedding
from jarvis.core.lifecycle.component import Component
from jarvis.core.retrieval.library import Library
from jarvis.core.retrieval.mirror import Mirror
from jarvis.core.text import fold
from jarvis_ports.embedding import EmbedderInfo, Matrix, TextRole
from jarvis_ports.errors import CollectionMismatch, CollectionNotFound, NotConfigured
from jarvis_ports.store import CollectionSpec

FOLDED_AT_ONCE = 50_000
"""The most characters that are folded on the event loop: this takes under 2 ms (0.03 ms per thousand)."""


@dataclass(frozen=True, eq=False)
class Collection:
    """A collection in use."""

    library: Library
    spec: CollectionSpec
    mirror: Mirror

    @property
    def name(self) -> str:
        """The collection's name."""
        return self.spec.name


class CollectionCatalog:
    """Finds collections by name.

    A collection's specification is read from the store only once: no other process may write to the store.
    """

    def __init__(self, component: Component[Library] | None, embedding: Embedding) -> None:
        self.embedding = embedding
        self._component = component
        self._library: Library | None = None
        self._specs: dict[str, CollectionSpec] = {}
        self._mirrors: dict[str, Mirror] = {}
        self._opening = asyncio.Lock()

    async def library(self) -> Library:
        """Return the library.

        Raises:
            NotConfigured: there is none.
            Unavailable: it is not open.
        """
        if self._component is None:
            msg = (
                "no vector store is configured; set store.adapter to an adapter that `jarvis adapters` lists"
            )
            raise NotConfigured(msg)
        library = self._component.port
        if library is not self._library:
            async with self._opening:
                if library is not self._library:
                    await self._begin(library)
        return library

    async def _begin(self, library: Library) -> None:
        """Begin to use a library: drop what its index has of collections that are gone."""
        there = {spec.name for spec in await library.store.collections()}
        for name in await library.texts.collections():
            if name not in there:
                await library.texts.drop(name)
        self._specs, self._mirrors, self._library = {}, {}, library

    async def get(self, name: str) -> Collection:
        """Return a collection.

        Raises:
            CollectionNotFound: there is none of that name.
            NotConfigured, Unavailable: see `library`.
        """
        library = await self.library()
        if name not in self._specs:
            self._specs = {spec.name: spec for spec in await library.store.collections()}
        if name not in self._specs:
            raise CollectionNotFound(name)
        return Collection(library, self._specs[name], self.mirror(library, name))

    async def fitting(self, name: str) -> Collection:
        """Return a collection that fits the configured embedding model, once its text index fits the store.

        Raises:
            CollectionMismatch: it was made for another model.
            CollectionNotFound, NotConfigured, Unavailable: see `get`.
        """
        collection = await self.get(name)
        if differences := self.differences(collection.spec, self.embedding.info):
            raise CollectionMismatch(name, differences)
        await collection.mirror.settled()
        return collection

    def differences(self, spec: CollectionSpec, info: EmbedderInfo) -> list[str]:
        """Return the reasons why the vectors of a collection do not fit the configured embedding model."""
        differences = []
        if spec.identity != info.identity:
            names = f"{spec.embedder!r}, and {self.embedding.name!r} is configured"
            if spec.embedder == self.embedding.name:
                names = f"{spec.embedder!r} with other weights or settings than those configured"
            differences.append(f"it was made for the embedding model {names}")
        if spec.dimension != info.dimension:
            differences.append(f"its dimension is {spec.dimension}, and the model's is {info.dimension}")
        return differences

    async def embed(
        self, texts: Sequence[str], role: TextRole, *, truncate: bool, field: str = "texts[{}]"
    ) -> Matrix:
        """Embed texts in the form that people search for: folded, as in the text index."""
        if sum(map(len, texts)) > FOLDED_AT_ONCE:
            folded = await asyncio.to_thread(lambda: [fold(text) for text in texts])
        else:
            folded = [fold(text) for text in texts]
        return (await self.embedding.embed(folded, role, truncate=truncate, field=field)).vectors

    def mirror(self, library: Library, name: str) -> Mirror:
        """Return the mirror of a collection, which need not exist yet."""
        return self._mirrors.setdefault(name, Mirror(library, name))

    def forget(self, name: str) -> None:
        """Drop the cached specification of a collection that was made, changed or dropped."""
        self._specs.pop(name, None)
