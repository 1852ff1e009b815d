"""Work whose caller has gone: where it fails, asyncio does not write a stack trace to the log."""

import asyncio
import gc

import numpy as np
import pytest

from jarvis_ports.errors import CollectionNotFound, StoreFailure
from jarvis_ports.values import Row


async def leave(setup, reached):
    """Begin to store a row, and go once the work waits; then let the work end."""
    writing = asyncio.create_task(
        setup.retrieval.rows.upsert("docs", [Row("a", "x")], [np.ones(32, np.float32)])
    )
    await reached.wait()
    writing.cancel()
    await asyncio.sleep(0)
    setup.store.go.set()
    with pytest.raises(asyncio.CancelledError):
        await writing
    del writing
    await asyncio.sleep(0.01)
    gc.collect()


async def test_a_write_that_fails_then(setup, caplog):
    setup.store.go.clear()
    setup.store.failures = [StoreFailure("disk full")]
    await leave(setup, setup.store.before_upsert)
    assert caplog.records == []


async def test_a_comparison_that_fails_then(setup, caplog, monkeypatch):
    reached = asyncio.Event()

    async def count(collection):
        reached.set()
        await setup.store.go.wait()
        raise CollectionNotFound(collection)

    setup.store.go.clear()
    monkeypatch.setattr(setup.store, "count", count)
    await leave(setup, reached)
    assert caplog.records == []
