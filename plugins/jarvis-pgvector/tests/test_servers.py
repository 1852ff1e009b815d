"""Three servers on one PostgreSQL."""

import os
import re
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from jarvis.client import Document, JarvisClient

JARVIS = Path(sys.executable).with_name("jarvis")
SERVERS = 3
DOCUMENTS = [Document(f"/d/{n}.md", f"document number {n} tells of topic {n}".encode()) for n in range(20)]


@pytest.fixture(scope="module")
def servers(postgres, tmp_path_factory):
    """The processes, and their addresses."""
    folder = tmp_path_factory.mktemp("servers")
    (folder / "jarvis.toml").write_text(
        'server = {listen = ["127.0.0.1:0"], drain_delay_seconds = 0}\n'
        'http.listen = ""\nlog.format = "console"\n'
        'models.echo.adapter = "echo"\nembedder.adapter = "hashing"\ntelemetry.adapter = "none"\ncache = []\n'
        f'limits.usage = ":memory:"\nretrieval.text_index = ":memory:"\n'
        f'[store]\nadapter = "pgvector"\nsettings.url = "{postgres.url()}"\n'
    )
    with ExitStack() as stack:
        started = []
        for _ in range(SERVERS):
            server = stack.enter_context(
                subprocess.Popen(
                    [JARVIS, "serve"], cwd=folder, env=os.environ, stderr=subprocess.PIPE, text=True
                )
            )
            stack.callback(server.kill)
            started.append(server)
        yield [(server, _address(server)) for server in started]


def _address(server):
    said = ""
    for line in iter(server.stderr.readline, ""):
        if found := re.search(r"listening on (\S+)", line):
            return found[1]
        said += line
    pytest.fail(said)


async def test_what_one_ingests_the_others_find_by_vector_even_after_it_is_killed(servers):
    (first, address), *others = servers
    async with JarvisClient(address) as client:
        await client.retrieval.create_collection("docs")
        async for _ in client.retrieval.ingest("docs", DOCUMENTS):
            pass
        first.kill()
    for _, address in others:
        async with JarvisClient(address) as client:
            assert (await client.retrieval.get_collection("docs")).rows == len(DOCUMENTS)
            found = await client.retrieval.search("docs", "topic 7", mode="dense")
            assert found.hits[0].source.source == "/d/7.md"
