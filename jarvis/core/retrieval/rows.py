"""Rows that callers store and delete."""

import asyncio
from collections.abc import Sequence
from functools import partial

import numpy as np

from jarvis.core.retrieval.catalog import Collection, CollectionCatalog
from jarvis.core.retrieval.paging import PAGE, pages
from jarvis.core.retrieval.validation import check_rows
from jarvis.core.retrieval.vectors import check_vector
from jarvis.core.violations import Violations
from jarvis_ports.embedding import Matrix, TextRole
from jarvis_ports.errors import InvalidArgument
from jarvis_ports.filters import Filter
from jarvis_ports.store import Row


class RowWriter:
    """The use cases of single rows; `Retrieval` says what each of them raises."""

    def __init__(self, catalog: CollectionCatalog) -> None:
        self._catalog = catalog

    async def upsert(
        self, name: str, rows: Sequence[Row], vectors: Sequence[Matrix | None], *, truncate: bool = False
    ) -> int:
        """Insert rows, or replace those with the same ids; return how many there are, once they are stored.

        Args:
            name: the collection's name.
            rows: 1 to 2,048 rows.
            vectors: one for each row, of shape (components,); if it is None, the row's text is embedded.
            truncate: whether to cut off texts that are too long to embed, instead of refusing them.

        Raises:
            InvalidArgument: naming every field that is wrong; `TextTooLong` for a text.
            CollectionMismatch: the collection was made for another embedding model.
        """
        check_rows(rows)
        collection = await self._catalog.fitting(name)
        violations = Violations()
        for position, vector in enumerate(vectors):
            if vector is not None:
                field = f"rows[{position}].vector"
                violations.note(partial(check_vector, field, vector, collection.spec.dimension))
        violations.refuse()
        matrix = await self._complete(rows, vectors, truncate=truncate)
        await collection.mirror.upsert(rows, matrix)
        return len(rows)

    async def _complete(
        self, rows: Sequence[Row], vectors: Sequence[Matrix | None], *, truncate: bool
    ) -> Matrix:
        """Return the vectors of all rows, of shape (rows, dimension)."""
        catalog, role = self._catalog, TextRole.DOCUMENT
        if all(vector is None for vector in vectors):
            texts = [row.text for row in rows]
            return await catalog.embed(texts, role, truncate=truncate, field="rows[{}].text")

        async def one(position: int) -> Matrix:
            if (vector := vectors[position]) is not None:
                return vector
            field = f"rows[{position}].text"
            embedded = await catalog.embed([rows[position].text], role, truncate=truncate, field=field)
            made: Matrix = embedded[0]
            return made

        return np.stack(await asyncio.gather(*(one(position) for position in range(len(rows)))))

    async def delete(
        self, name: str, ids: Sequence[str], filter_: Filter | None, *, dry_run: bool = False
    ) -> int:
        """Delete the rows that `ids` and `filter_` select, one of which may be left out; return how many.

        Raises:
            InvalidArgument: there are neither ids nor a filter.
        """
        if not ids and filter_ is None:
            raise InvalidArgument.of(
                "ids", "set ids or filter; jarvis collections delete takes a whole collection"
            )
        collection = await self._catalog.get(name)
        async with collection.mirror.writing():
            doomed = await self._chosen(collection, ids, filter_)
            if not dry_run:
                await collection.mirror.delete(doomed)
        return len(doomed)

    @staticmethod
    async def _chosen(collection: Collection, ids: Sequence[str], filter_: Filter | None) -> list[str]:
        texts, name = collection.library.texts, collection.name
        if filter_ is None:
            distinct = list(dict.fromkeys(ids))
            return [row.id for page in pages(distinct, PAGE) for row in await texts.rows(name, page)]
        passing = await texts.filtered(name, filter_)
        wanted = set(ids)
        return [id_ for id_ in passing if not wanted or id_ in wanted]
