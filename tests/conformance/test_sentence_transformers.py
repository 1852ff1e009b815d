"""On the real all-MiniLM-L6-v2, whose files come with the extra `demo`."""

import asyncio
import os
import subprocess
import sys
import threading
from typing import ClassVar

import numpy as np
import pytest

from jarvis.models import resolve
from jarvis.models.catalogue import DEMO_EMBEDDER
from jarvis_adapters.sentence_transformers import open_sentence_transformers
from jarvis_adapters.sentence_transformers.settings import SentenceTransformersSettings
from jarvis_plugins.testkit import EmbedderConformance
from jarvis_ports.embedding import TextRole
from jarvis_ports.errors import EngineDead, EngineStartFailed

MODEL = str(resolve(DEMO_EMBEDDER))
TEXT = "The capital of France is Paris."


class TestSentenceTransformers(EmbedderConformance):
    adapter = "sentence-transformers"
    settings: ClassVar = {"model": MODEL}


class TestFloat32(EmbedderConformance):
    adapter = "sentence-transformers"
    settings: ClassVar = {
        "model": MODEL,
        "precision": "float32",
        "max_tokens": 64,
        "query_prompt": "query: ",
        "threads": 1,
    }


def opened(**settings):
    return open_sentence_transformers(SentenceTransformersSettings(model=MODEL, **settings))


async def test_its_vectors_are_those_of_the_library():
    import torch  # noqa: PLC0415 - takes seconds
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - takes seconds

    expected = SentenceTransformer(MODEL, device="cpu").encode([TEXT, "Whales are mammals."])
    async with opened(precision="float32") as embedder:
        assert not torch.backends.cuda.cudnn_sdp_enabled(), "on a GPU, it would plan for each new shape"
        vectors = await embedder.embed([TEXT, "Whales are mammals."], TextRole.QUERY)
        assert np.allclose(vectors, expected, atol=1e-5)
        assert (embedder.info().dimension, embedder.info().max_tokens) == (384, 256)
        assert embedder.count_tokens([TEXT], TextRole.QUERY) == [9]


async def test_a_prompt_goes_before_the_texts_of_its_role_alone():
    async with opened(precision="float32", query_prompt="query: ", max_tokens=8) as prompted:
        query, plain = [(await prompted.embed([TEXT], role))[0] for role in TextRole]
        with_prompt, without = await prompted.embed([f"query: {TEXT}", TEXT], TextRole.DOCUMENT)
        assert prompted.count_tokens([TEXT], TextRole.QUERY) == prompted.count_tokens(
            [f"query: {TEXT}"], TextRole.DOCUMENT
        )
    assert np.allclose(query, with_prompt, atol=1e-5)
    assert np.allclose(plain, without, atol=1e-5)
    assert query @ plain < 0.999


async def test_bfloat16_in_batches_and_float32_alone():
    async with opened(precision="float32") as exact, opened(precision="bfloat16") as reduced:
        texts = [f"{TEXT} {number}" for number in range(4)]
        alone = [await each.embed(texts[:1], TextRole.QUERY) for each in (exact, reduced)]
        batch = [await each.embed(texts, TextRole.QUERY) for each in (exact, reduced)]
        assert np.array_equal(*alone)
        assert not np.array_equal(*batch)
        assert (np.sum(batch[0] * batch[1], axis=1) > 0.999).all()
        assert exact.info().identity != reduced.info().identity
        assert exact.info().notes == ("float32 throughout",)
        assert reduced.info().notes[0].startswith("batches run in bfloat16: over 16 sample texts the cosine")


async def test_documents_are_embedded_at_a_lower_priority():
    async with opened() as embedder:
        niceness = {}
        for role in TextRole:
            await embedder.embed(["a", "b"], role)
        for thread in threading.enumerate():
            niceness[thread.name] = os.getpriority(os.PRIO_PROCESS, thread.native_id)

    before = niceness["MainThread"]
    assert niceness["embedder_0"] == before
    assert niceness["embedder-documents_0"] == max(before, 5)


async def test_calls_that_wait_when_it_is_closed_and_calls_after_that_end():
    async with opened() as embedder:
        waiting = [asyncio.create_task(embedder.embed([TEXT] * 64, TextRole.QUERY)) for _ in range(4)]
        await asyncio.sleep(0)
    ended = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 30)
    assert isinstance(ended[-1], EngineDead)
    with pytest.raises(EngineDead, match="was closed"):
        await embedder.embed([TEXT], TextRole.QUERY)
    assert not (await embedder.health()).ok


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"max_tokens": 512}, "max_tokens is 512, and the model reads 256"),
        ({"max_tokens": 4, "query_prompt": "query: "}, "of which prompt and special tokens take 4: nothing"),
        ({"device": "cuda"}, "sees no GPU"),
    ],
)
async def test_settings_that_the_model_cannot_have(settings, says):
    import torch  # noqa: PLC0415 - takes seconds

    if settings.get("device") and torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(EngineStartFailed, match=says):
        async with opened(**settings):
            pass


WITHOUT_NETWORK = f"""
import asyncio, socket
def refuse(*args): raise AssertionError(f"the network was asked: {{args[1:]}}")
socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
from jarvis_adapters.sentence_transformers import open_sentence_transformers
from jarvis_adapters.sentence_transformers.settings import SentenceTransformersSettings
from jarvis_ports.embedding import TextRole
async def main():
    async with open_sentence_transformers(SentenceTransformersSettings(model={MODEL!r})) as embedder:
        print((await embedder.embed(["a", "b"], TextRole.QUERY)).shape)
asyncio.run(main())
"""


def test_loads_without_a_network_and_prints_nothing():
    run = subprocess.run([sys.executable, "-c", WITHOUT_NETWORK], capture_output=True, text=True, check=False)
    assert (run.stdout, run.stderr, run.returncode) == ("(2, 384)\n", "", 0)


CANCELLED = f"""
import asyncio, sys
from jarvis_adapters.sentence_transformers import open_sentence_transformers
from jarvis_adapters.sentence_transformers.settings import SentenceTransformersSettings
async def load():
    async with open_sentence_transformers(SentenceTransformersSettings(model={MODEL!r})):
        print("loaded")
async def main():
    task = asyncio.create_task(load())
    await asyncio.sleep(float(sys.argv[1]))
    task.cancel()
    await asyncio.wait([task])
    print(task.cancelled())
asyncio.run(main())
"""


@pytest.mark.parametrize("seconds", ["0", "1", "4"])
def test_a_process_that_stops_while_it_loads_ends_cleanly(seconds):
    command = [sys.executable, "-c", CANCELLED, seconds]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert run.returncode == 0, run.stderr
    assert run.stdout in {"True\n", "loaded\nFalse\n"}
