"""Keeps the text index the same as the vector store."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from jarvis.core.retrieval.library import Library
from jarvis.core.retrieval.paging import pages, to_end, unattended
from jarvis_ports.embedding import Matrix
from jarvis_ports.store import Row

logger = logging.getLogger(__name__)

WRITTEN_AT_ONCE = 256
"""The most rows of several upserts that are written together."""


@dataclass(eq=False)
class _Upsert:
    """Rows that wait to be written, and, once it has begun, the task that writes them."""

    rows: Sequence[Row]
    vectors: Matrix
    written: "asyncio.Task[None] | None" = None


class Mirror:
    """A collection of the store and its mirror in the text index; one writer at a time changes both.

    Before rows change, the index notes their ids; once they have changed in the store, it takes over the
    change and forgets the ids. If anything interrupts a write, the ids that are left say what to read again.
    """

    def __init__(self, library: Library, name: str) -> None:
        self.name = name
        self.lock = asyncio.Lock()
        """The lock that a writer holds."""
        self._store = library.store
        self._texts = library.texts
        self._settling: asyncio.Task[None] | None = None
        self._settled = False
        self._clean = False
        self._waiting: deque[_Upsert] = deque()

    async def settled(self) -> None:
        """Wait until the store and the index have been compared, once since the start, and are the same."""
        if self._settled:
            return
        if self._settling is None or self._settling.done():
            self._settling = unattended(asyncio.create_task(self._settle()))
        # A caller that is cancelled leaves the work to the next one.
        await asyncio.shield(self._settling)

    async def _settle(self) -> None:
        async with self.lock:
            await self._catch_up()

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """Hold the writer's lock while the block runs, with the index up to date."""
        await self.settled()
        async with self.lock:
            if not self._clean:
                await self._catch_up()
            yield

    async def upsert(self, rows: Sequence[Row], vectors: Matrix) -> None:
        """Insert or replace rows. Rows that others upsert meanwhile wait, and are then written together.

        If the caller is cancelled while its rows are being written, that takes effect once they are written.
        """
        upsert = _Upsert(rows, vectors)
        self._waiting.append(upsert)
        try:
            async with self.writing():
                while upsert.written is None:
                    group = self._together()
                    written = unattended(asyncio.create_task(self._write(group)))
                    for one in group:
                        one.written = written
                    await to_end(asyncio.wait([written]))
        finally:
            if upsert.written is None:
                self._waiting.remove(upsert)
        upsert.written.result()

    def _together(self) -> "list[_Upsert]":
        """Take the upserts to write together: no id twice, and at most `WRITTEN_AT_ONCE` rows.

        A single upsert may have more.
        """
        group: list[_Upsert] = []
        ids: set[str] = set()
        while self._waiting:
            own = {row.id for row in self._waiting[0].rows}
            if group and (own & ids or len(own) + len(ids) > WRITTEN_AT_ONCE):
                break
            group.append(self._waiting.popleft())
            ids |= own
        return group

    async def _write(self, group: "Sequence[_Upsert]") -> None:
        rows = [row for one in group for row in one.rows]
        vectors = np.concatenate([one.vectors for one in group])
        ids = [row.id for row in rows]
        await self._change(ids, self._store.upsert(self.name, rows, vectors), rows, ())

    async def delete(self, ids: Sequence[str]) -> None:
        """Delete rows; the caller holds the lock. A cancellation only takes effect between two pages."""
        for page in pages(ids):
            await to_end(self._change(page, self._store.delete(self.name, page), (), page))

    async def _change(
        self,
        ids: Sequence[str],
        change: Coroutine[Any, Any, None],
        upserts: Sequence[Row],
        deletes: Sequence[str],
    ) -> None:
        self._clean = False
        try:
            await self._texts.begin(self.name, ids)
        except BaseException:
            change.close()
            raise
        await change
        await self._texts.commit(self.name, upserts, deletes)
        self._clean = True

    async def _catch_up(self) -> None:
        """Read again what a write left unfinished; if the counts still differ, read everything."""
        await self._finish_pending()
        if await self._texts.count(self.name) != await self._store.count(self.name):
            logger.warning(
                "collection %r: the text index differs from the store, and is made anew", self.name
            )
            await self.resync()
        self._settled = self._clean = True

    async def resync(self) -> None:
        """Read every row of the store, and drop what the store does not have; the caller holds the lock."""
        self._clean = False
        await self._finish_pending()
        async with aclosing(self._store.scan(self.name)) as found:
            async for page in found:
                await self._texts.commit(self.name, page.rows, ())
        gone: list[str] = []
        async for ids in self._texts.ids(self.name):
            there = {row.id for row in (await self._store.get(self.name, ids)).rows}
            gone += [id_ for id_ in ids if id_ not in there]
        for missing in pages(gone):
            await self._texts.commit(self.name, (), missing)
        self._clean = True

    async def _finish_pending(self) -> None:
        for page in pages(await self._texts.pending(self.name)):
            rows = (await self._store.get(self.name, page)).rows
            there = {row.id for row in rows}
            await self._texts.commit(self.name, rows, [id_ for id_ in page if id_ not in there])

    def forget(self) -> None:
        """Have the store and the index compared again before the next use."""
        self._settled = self._clean = False
