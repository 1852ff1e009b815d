"""A restored backup answers as the server did from which it was taken."""

import asyncio

from jarvis.v1 import retrieval_pb2 as pb
from jarvis.v1 import server_pb2

TEXTS = [
    (f"/d/{n}.txt", f"Report {n} on rivers. Part {n % 7} tells of lake {n}.".encode()) for n in range(60)
]


async def facts(peer):
    """Return what a server answers; of hits, those above the last score: Chroma takes equals in any order."""
    questions = [
        pb.SearchRequest(collection=name, text=text, mode=mode, top_k=20)
        for name in ("docs", "reports")
        for text in ("lake 31", "word3 of7", "rivers")
        for mode in (pb.SEARCH_MODE_DENSE, pb.SEARCH_MODE_SPARSE)
    ]
    listed = peer.retrieval.ListDocuments(pb.ListDocumentsRequest(collection="reports"))
    return (
        await peer.retrieval.ListCollections(pb.ListCollectionsRequest()),
        [one async for one in listed],
        [above_last((await peer.retrieval.Search(question)).hits) for question in questions],
        await peer.server.GetUsage(server_pb2.GetUsageRequest(days=1)),
    )


def above_last(hits):
    found = {hit.id: (hit.text, round(hit.score, 6)) for hit in hits}
    return {id_: one for id_, one in found.items() if one[1] > round(hits[-1].score, 6)}


async def fill(peer, write, ingest):
    for name in ("docs", "reports"):
        await peer.retrieval.CreateCollection(pb.CreateCollectionRequest(name=name))
    for number in range(22):  # Chroma writes its index from 1,000 rows on
        await write(peer, number)
    await ingest(peer, "reports", TEXTS)


async def test_a_restored_server_answers_the_same(serve, write, ingest, check, jarvis, tmp_path):
    async with serve(tmp_path / "data") as (process, peer):
        await fill(peer, write, ingest)
        before = await facts(peer)
        assert sum(map(bool, before[2])) > 7
        for name in ("running", "stopped"):
            code, told = await jarvis(tmp_path / "data", "backup", str(tmp_path / name))
            assert (code, told) == (0, f"made {tmp_path}/{name}\n")
            if process.returncode is None:
                process.terminate()
                await process.wait()
    for name in ("running", "stopped"):
        code, told = await jarvis(tmp_path / f"d-{name}", "restore", str(tmp_path / name))
        assert code == 0, told
        async with serve(tmp_path / f"d-{name}") as (_, peer):
            assert await facts(peer) == before
            await write(peer, 22)
            await check(peer, [0, 11, 21, 22])
    assert "made anew" not in (tmp_path / "log").read_text()


async def test_a_backup_amid_writes_has_all_that_was_acknowledged(serve, write, check, jarvis, tmp_path):
    acknowledged = []

    async def write_on(peer):
        for number in range(10_000):
            await write(peer, number)
            acknowledged.append(number)

    async with serve(tmp_path / "data") as (_, peer):
        await peer.retrieval.CreateCollection(pb.CreateCollectionRequest(name="docs"))
        writing = asyncio.create_task(write_on(peer))
        done = []
        for name in ("one", "two"):
            while len(acknowledged) < 15 + max(map(len, done), default=0):
                await asyncio.sleep(0.01)
            done.append(list(acknowledged))
            assert (await jarvis(tmp_path / "data", "backup", str(tmp_path / name)))[0] == 0
            assert len(acknowledged) > len(done[-1])
        assert not writing.done()
        writing.cancel()
    for name, there in zip(("one", "two"), done, strict=True):
        assert (await jarvis(tmp_path / f"d-{name}", "restore", str(tmp_path / name)))[0] == 0
        async with serve(tmp_path / f"d-{name}") as (_, peer):
            await check(peer, there)


async def test_data_that_is_there_is_replaced_by_force_alone(serve, write, check, jarvis, tmp_path):
    data, backup = tmp_path / "data", str(tmp_path / "backup")
    async with serve(data) as (process, peer):
        await peer.retrieval.CreateCollection(pb.CreateCollectionRequest(name="docs"))
        await write(peer, 0)
        assert (await jarvis(data, "backup", backup))[0] == 0
        await write(peer, 1)
        code, told = await jarvis(data, "backup", backup)
        assert (code, told.endswith("delete it, or choose another name\n")) == (2, True)
        code, told = await jarvis(data, "restore", backup, "--force")
        assert code == 2
        assert f"{data}/chroma: the process {process.pid} uses it; stop that one" in told
    code, told = await jarvis(data, "restore", backup, "--dry-run")
    assert code == 0
    assert f"would restore store to {data}/chroma, replacing " in told
    code, told = await jarvis(data, "restore", backup)
    assert code == 2
    assert f"jarvis: there is data in {data}/chroma, {data}/text-index/" in told
    async with serve(data) as (_, peer):
        await check(peer, [0, 1])
    code, told = await jarvis(data, "restore", backup, "--force")
    assert code == 0
    assert f"restored store to {data}/chroma\n" in told
    async with serve(data) as (_, peer):
        await check(peer, [0])
        gone = pb.SearchRequest(collection="docs", text="word1", mode=pb.SEARCH_MODE_SPARSE)
        assert not (await peer.retrieval.Search(gone)).hits
