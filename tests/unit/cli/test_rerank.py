import json

import grpc
import pytest

from jarvis.v1 import embedding_pb2 as pb
from jarvis.v1 import embedding_pb2_grpc


class FakeReranker(embedding_pb2_grpc.EmbeddingServiceServicer):
    """Likes long texts, and cuts what is longer than 100 characters."""

    def __init__(self):
        self.address = ""
        self.requests = []

    async def Rerank(self, request, context):  # noqa: N802
        self.requests.append(request)
        order = sorted(range(len(request.documents)), key=lambda index: -len(request.documents[index]))
        results = [
            pb.ScoredDocument(
                index=index,
                score=(size := len(request.documents[index])) / 100,
                tokens=size,
                truncated=size > 100,
            )
            for index in order
        ]
        return pb.RerankResponse(model="fake", results=results)


@pytest.fixture
async def fake():
    fake = FakeReranker()
    server = grpc.aio.server()
    embedding_pb2_grpc.add_EmbeddingServiceServicer_to_server(fake, server)
    fake.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    yield fake
    await server.stop(None)


async def test_files_are_documents_and_the_best_comes_first(fake, run, tmp_path):
    for name, text in {"a.txt": "short\n", "b.txt": "long " * 30}.items():
        (tmp_path / name).write_text(text)
    names = [str(tmp_path / name) for name in ("a.txt", "b.txt")]
    code, out, err = await run("rerank", "q", *names, "--server", fake.address)
    assert (code, err) == (0, "")
    assert out.splitlines() == [f"1. 1.5000  cut off  {names[1]}", f"2. 0.0600  {names[0]}"]
    assert fake.requests == [pb.RerankRequest(query="q", documents=["short\n", "long " * 30], truncate=False)]


@pytest.mark.parametrize("files", [[], ["-"]])
async def test_lines_of_standard_input_are_documents(fake, run, files):
    long = "word " * 18
    code, out, _ = await run("rerank", "q", *files, "--server", fake.address, stdin=f"one\n\n{long}\n")
    assert code == 0
    assert out.splitlines() == [f"1. 0.9000  {long[:79]}…", "2. 0.0300  one"]
    assert list(fake.requests[0].documents) == ["one", long]


async def test_json_is_an_object_a_line(fake, run):
    code, out, _ = await run("rerank", "q", "--json", "--server", fake.address, stdin="é\n")
    assert code == 0
    assert json.loads(out) == {
        "index": 0,
        "score": 0.01,
        "tokens": 1,
        "truncated": False,
        "document": "é",
        "source": None,
    }


async def test_options_reach_the_server(fake, run):
    options = ("--top-n", "1", "--truncate", "--model", "m")
    assert (await run("rerank", "q", *options, "--server", fake.address, stdin="a\n"))[0] == 0
    wanted = pb.RerankRequest(query="q", documents=["a"], top_n=1, truncate=True, model="m")
    assert fake.requests == [wanted]


async def test_what_cannot_be_read_is_a_mistake(fake, run, tmp_path):
    (tmp_path / "bad").write_bytes(b"caf\xe9")
    for name, told in (("bad", "is not UTF-8"), ("missing", "No such file"), ("", "Is a directory")):
        code, out, err = await run("rerank", "q", str(tmp_path / name), "--server", fake.address)
        assert (code, out) == (2, "")
        assert told in err
    code, _, err = await run("rerank", "q", "--server", fake.address, stdin="\n")
    assert (code, "standard input has no text" in err) == (2, True)
    assert fake.requests == []
