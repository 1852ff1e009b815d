import json

import grpc
import numpy as np
import pytest

from jarvis.v1 import embedding_pb2 as pb
from jarvis.v1 import embedding_pb2_grpc


class FakeEmbedding(embedding_pb2_grpc.EmbeddingServiceServicer):
    """Knows "new" from other texts, which are cached, and cuts what is longer than 40 characters."""

    def __init__(self):
        self.address = ""
        self.requests = []

    async def Embed(self, request, context):  # noqa: N802
        self.requests.append(request)
        if "bad" in request.texts:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "texts[0]: no")
        vector = np.array([0.5, -0.25, 0, 0.125, 1], "<f4").tobytes()
        return pb.EmbedResponse(
            model="fake",
            dimension=5,
            data_type=pb.DATA_TYPE_FLOAT32,
            embeddings=[
                pb.Embedding(vector=vector, tokens=len(text), truncated=len(text) > 40, cached=text != "new")
                for text in request.texts
            ],
        )


@pytest.fixture
async def fake():
    fake = FakeEmbedding()
    server = grpc.aio.server()
    embedding_pb2_grpc.add_EmbeddingServiceServicer_to_server(fake, server)
    fake.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    yield fake
    await server.stop(None)


async def test_a_line_for_each_text(fake, run):
    code, out, err = await run("embed", "new", "two\nlines " * 5, "--server", fake.address)
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "     3 tokens  new             [ 0.5000 -0.2500  0.0000  0.1250 …]  new",
        f"    50 tokens  cached cut off  [ 0.5000 -0.2500  0.0000  0.1250 …]  {'two lines ' * 3}two lines…",
    ]


async def test_json_is_an_object_a_line_with_all_components(fake, run):
    code, out, _ = await run("embed", "--json", "new", "é", "--server", fake.address)
    assert code == 0
    assert [json.loads(line) for line in out.splitlines()] == [
        {
            "text": text,
            "tokens": len(text),
            "truncated": False,
            "cached": text != "new",
            "vector": [0.5, -0.25, 0, 0.125, 1],
        }
        for text in ("new", "é")
    ]


async def test_options_reach_the_server(fake, run, monkeypatch):
    monkeypatch.setenv("JARVIS_SERVER", fake.address)
    options = ("--role", "query", "--dimension", "2", "--truncate", "--model", "m")
    assert (await run("embed", "x", *options, "--server", fake.address))[0] == 0
    assert fake.requests == [
        pb.EmbedRequest(texts=["x"], role=pb.TEXT_ROLE_QUERY, dimension=2, truncate=True, model="m")
    ]


async def test_standard_input_has_a_text_a_line(fake, run):
    lines = [f"line {i}" for i in range(100)]
    code, out, _ = await run("embed", "--server", fake.address, stdin="\n".join(lines) + "\n\n")
    assert code == 0
    assert len(out.splitlines()) == 100
    assert [text for request in fake.requests for text in request.texts] == lines


@pytest.mark.parametrize("stdin", ["", "\n\n"])
async def test_no_text_is_a_mistake(fake, run, stdin):
    code, out, err = await run("embed", "--server", fake.address, stdin=stdin)
    assert (code, out) == (2, "")
    assert "standard input has no text" in err


async def test_what_the_server_refuses_is_one_line(fake, run):
    assert await run("embed", "bad", "--server", fake.address) == (2, "", "jarvis: texts[0]: no\n")


async def test_standard_input_that_is_not_utf_8(fake, run):
    code, _, err = await run("embed", "--server", fake.address, stdin=b"caf\xe9")
    assert (code, err) == (2, "jarvis: texts: is not valid Unicode\n")
