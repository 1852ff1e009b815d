"""`jarvis collections`, on a server with the stand-ins."""

import asyncio
import json

import pytest

from jarvis.client import BlockingClient, Row
from jarvis_plugins.registry import PortName


@pytest.fixture
async def address(start):
    def fill(address):
        with BlockingClient(address) as client:
            client.retrieval.create_collection("docs")
            client.retrieval.upsert("docs", [Row("a", "red"), Row("b", "blue")])

    async with start() as server:
        await asyncio.to_thread(fill, server.instance.addresses[0])
        yield server.instance.addresses[0]


async def test_collections_are_listed(address, run):
    code, out, _ = await run("collections", "list", "--server", address)
    header, row = out.splitlines()
    assert code == 0
    assert header.split() == ["COLLECTION", "ROWS", "DIMENSION", "EMBEDDER", "SPACE", "MISMATCH"]
    assert row.split() == ["docs", "2", "64", "hashing", "cosine"]
    _, out, _ = await run("collections", "list", "--server", address, "--json")
    assert json.loads(out)[0]["index"]["max_neighbors"] == 64


async def test_one_is_made_and_shown(address, run):
    code, out, _ = await run(
        "collections", "create", "more", "--space", "l2", "--ef-search", "9", "--server", address
    )
    assert (code, "more" in out) == (0, True)
    _, out, _ = await run("collections", "show", "more", "--server", address)
    shown = {words[0]: words[1] for line in out.splitlines() if len(words := line.split()) > 1}
    assert (shown["space"], shown["ef_search"], shown["rows"]) == ("l2", "9", "0")
    code, _, err = await run("collections", "create", "more", "--server", address)
    assert code == 2
    assert "jarvis collections rebuild more" in err


async def test_deleting_needs_a_yes(address, run):
    code, out, err = await run("collections", "delete", "docs", "--server", address)
    assert (code, out) == (2, "")
    assert "--yes" in err
    _, out, _ = await run("collections", "delete", "docs", "--dry-run", "--server", address)
    assert out == "would delete docs with 2 rows\n"
    code, out, _ = await run("collections", "delete", "docs", "--yes", "--server", address)
    assert (code, out) == (0, "deleted docs with 2 rows\n")
    code, _, err = await run("collections", "show", "docs", "--server", address)
    assert (code, "no collection 'docs'" in err) == (2, True)


async def test_the_doctor_is_content(address, run):
    code, out, _ = await run("collections", "doctor", "docs", "--server", address)
    assert (code, out) == (0, "2 rows checked, 0 not found; rows: sparse 2, store 2\nok\n")


async def test_the_doctor_says_what_to_do(start, run):
    async with start() as server:
        address = server.instance.addresses[0]
        await run("collections", "create", "docs", "--server", address)
        texts = server.application.components.one(PortName.STORE).port.texts
        await run("collections", "doctor", "docs", "--server", address)
        await texts.commit("docs", [Row("ghost", "x")], [])
        code, out, _ = await run("collections", "doctor", "docs", "--server", address)
        assert code == 1
        assert out.endswith("not ok; to mend it: jarvis collections rebuild docs\n")
        code, _, _ = await run("collections", "rebuild", "docs", "--server", address)
        assert code == 0
        code, _, _ = await run("collections", "doctor", "docs", "--server", address)
        assert code == 0


async def test_a_rebuild_changes_the_index(address, run):
    code, out, _ = await run("collections", "rebuild", "docs", "--ef-search", "33", "--server", address)
    assert (code, out.splitlines()[1].split()[:2]) == (0, ["docs", "2"])
    _, out, _ = await run("collections", "show", "docs", "--json", "--server", address)
    assert json.loads(out)["index"]["ef_search"] == 33
