"""A server process that is fuzzed, and a well-behaved caller who asks it all the while."""

import asyncio
import os
import re
from pathlib import Path

import grpc
import pytest

from jarvis.access import keys
from jarvis.core.principal import Role
from jarvis.v1 import embedding_pb2, generation_pb2, retrieval_pb2
from tests.command import JARVIS
from tests.conftest import DEFAULTS, STAND_INS, Peer
from tests.fuzz.values import KEPT

OWN = "neighbour"
SLOW = ["adapter=echo", "settings.context_length=40", "settings.tokens_per_second=100"]
"""A model of which requests run long enough to be aborted."""
TEXTS = {"paris": "Paris is the capital of France.", "cell": "The mitochondrion makes energy."}


class Fuzzed:
    """A server in a process of its own."""

    def __init__(self, process, log: Path, key: str) -> None:
        self.process = process
        self.key = key
        self.known = bool(key)
        self._log = log

    def lines(self):
        return self._log.read_text(errors="replace").splitlines() if self._log.exists() else []

    def _said(self, pattern):
        found = [match[1] for line in self.lines() if (match := re.search(pattern, line))]
        return found[0] if found else ""

    async def address(self, pattern):
        """Wait for an address in the log."""
        async with asyncio.timeout(60):
            while not (found := self._said(pattern)):
                assert self.process.returncode is None, self.lines()
                await asyncio.sleep(0.05)
        return found

    def faults(self):
        """Return the lines of the log that no request may bring about."""
        return sorted(
            {
                re.sub(r'"timestamp":"[^"]*",', "", line)
                for line in self.lines()
                if "Traceback" in line or '"level":"ERROR"' in line
            }
        )


@pytest.fixture(scope="module", params=["open to all, in memory", "callers known, Chroma"])
async def fuzzed(request, tmp_path_factory):
    """A server on the stand-ins that knows no caller; and one that does, with the real store on disk."""
    folder = tmp_path_factory.mktemp("fuzzed")
    log, key = folder / "log.jsonl", ""
    sets = [*DEFAULTS, *STAND_INS, "telemetry.adapter=opentelemetry", "log.format=json"]
    sets += ["reranker.adapter=overlap", "default_route=echo", f'server.weights_folders=["{folder}"]']
    sets += [f"models.slow.{one}" for one in SLOW]
    if "known" in request.param:
        key = keys.add(folder / "keys.json", "fuzzer", list(Role), None)[1]
        sets += [f'auth.keys="{folder}/keys.json"', "store.adapter=chroma"]
        sets += [f'store.settings.path="{folder}/chroma"', f'retrieval.text_index="{folder}/texts"']
    line = [*JARVIS, "serve", *(part for one in sets for part in ("--set", one))]
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            *line, stdout=out, stderr=out, env={**os.environ, "JARVIS_DATA_DIR": f"{folder}/data"}
        )
    server = Fuzzed(process, log, key)
    try:
        yield server
    finally:
        if process.returncode is None:
            process.kill()
        await asyncio.wait_for(process.wait(), 20)


@pytest.fixture(scope="module")
async def channel(fuzzed):
    """A channel to the server, which is ready."""
    address = await fuzzed.address(r"listening on ([\d.:]+)")
    async with grpc.aio.insecure_channel(address) as channel:
        await Peer(channel).serving(60)
        yield channel


class Neighbour:
    """Asks the same all the while, over a connection of its own, and notes every answer that is not right."""

    def __init__(self, peer, key) -> None:
        self._peer = peer
        self._options = {
            "timeout": 10,
            "wait_for_ready": True,
            "metadata": (("authorization", f"Bearer {key}"),),
        }
        self.answers = 0
        self.wrong: list[str] = []

    async def begin(self):
        """Store what it will search."""
        for name in (OWN, KEPT):
            create = retrieval_pb2.CreateCollectionRequest(name=name)
            await self._peer.retrieval.CreateCollection(create, **self._options)
        rows = [retrieval_pb2.Row(id=id_, text=text) for id_, text in TEXTS.items()]
        upsert = retrieval_pb2.UpsertRequest(collection=OWN, rows=rows)
        await self._peer.retrieval.Upsert(upsert, **self._options)
        self._right = await self._ask()

    async def _ask(self):
        peer, options = self._peer, self._options
        said = await peer.generation.Generate(
            generation_pb2.GenerateRequest(prompt="How are you?"), **options
        )
        made = await peer.embedding.Embed(embedding_pb2.EmbedRequest(texts=[*TEXTS.values()]), **options)
        search = retrieval_pb2.SearchRequest(collection=OWN, text="capital of France")
        found = await peer.retrieval.Search(search, **options)
        vectors = [one.vector for one in made.embeddings]
        return said.choices[0].text, vectors, [(hit.id, hit.text) for hit in found.hits]

    async def run(self):
        while True:
            try:
                answer = await self._ask()
            except grpc.aio.AioRpcError as error:
                self.wrong.append(f"{error.code()}: {error.details()}")
            else:
                self.answers += 1
                if answer != self._right:
                    self.wrong.append(f"{answer} in place of {self._right}")
            await asyncio.sleep(0.02)


@pytest.fixture
async def neighbour(fuzzed, channel):
    """A caller who must not notice anything."""
    address = await fuzzed.address(r"listening on ([\d.:]+)")
    options = [("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.insecure_channel(address, options) as own:
        caller = Neighbour(Peer(own), fuzzed.key)
        await caller.begin()
        assert caller._right[0] == "How are you?"
        assert caller._right[2][0] == ("paris", TEXTS["paris"])
        asking = asyncio.create_task(caller.run())
        yield caller
        asking.cancel()
        await asyncio.wait([asking])
