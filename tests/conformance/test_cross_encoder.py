"""On a small cross-encoder with random weights, as none with trained ones is to be had from a registry."""

import subprocess
import sys

import pytest

from bench import tiny_cross_encoder
from jarvis_adapters.sentence_transformers import open_cross_encoder
from jarvis_adapters.sentence_transformers.settings import CrossEncoderSettings
from jarvis_plugins.testkit import RerankerConformance
from jarvis_ports.errors import EngineDead, EngineStartFailed

QUERY = "What is the capital of France?"
DOCUMENTS = ["Paris is the capital of France.", "Whales are mammals.", "Bread is baked with flour. " * 9]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_cross_encoder.make(tmp_path_factory.mktemp("models") / "tiny")


class TestCrossEncoder(RerankerConformance):
    adapter = "cross-encoder"
    has_meaning = False

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def on_the_tiny_model(cls, folder):
        cls.settings = {"model": str(folder)}


class TestSmallBatches(TestCrossEncoder):
    """Of one long text, or of some short ones."""

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def on_the_tiny_model(cls, folder):
        cls.settings = {
            "model": str(folder),
            "precision": "float32",
            "max_tokens": 48,
            "max_batch_tokens": 100,
            "threads": 1,
        }


@pytest.fixture
def opened(folder):
    return lambda **settings: open_cross_encoder(CrossEncoderSettings(model=str(folder), **settings))


async def test_its_scores_are_those_of_the_library(opened, folder):
    from sentence_transformers import CrossEncoder  # noqa: PLC0415 - takes seconds

    expected = CrossEncoder(str(folder), device="cpu").predict([(QUERY, one) for one in DOCUMENTS])
    async with opened(precision="float32") as reranker:
        assert await reranker.score(QUERY, DOCUMENTS) == pytest.approx(
            [float(one) for one in expected], abs=1e-5
        )
        assert reranker.info().max_tokens == 128
        assert reranker.info().settings["device"] in {"cpu", "cuda"}


async def test_tokens_are_those_of_the_query_and_the_document_and_what_stands_between(opened):
    async with opened() as reranker:
        assert await reranker.count_tokens("a b", ["c", "c d e"]) == [6, 8]


async def test_memory_is_released_when_it_is_closed(opened):
    import gc  # noqa: PLC0415
    import weakref  # noqa: PLC0415

    async with opened() as reranker:
        model = weakref.ref(reranker._scorer._model)
        assert model() is not None
    gc.collect()
    assert model() is None
    assert not (await reranker.health()).ok
    with pytest.raises(EngineDead, match="was closed"):
        await reranker.score(QUERY, DOCUMENTS)


async def test_a_model_that_gives_several_scores_is_no_reranker(tmp_path):
    folder = tiny_cross_encoder.make(tmp_path / "classifier", labels=3)
    with pytest.raises(EngineStartFailed, match="it gives 3 scores for a text, and a reranker gives one"):
        async with open_cross_encoder(CrossEncoderSettings(model=str(folder))):
            pass


@pytest.mark.parametrize("files", [{}, {"config.json": "{"}, {"config.json": "{}"}])
async def test_a_broken_folder_is_told_in_one_line_that_names_it(tmp_path, files):
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    with pytest.raises(EngineStartFailed) as failed:
        async with open_cross_encoder(CrossEncoderSettings(model=str(tmp_path))):
            pass
    assert str(failed.value).startswith(f"{tmp_path}: ")
    assert "\n" not in str(failed.value)


async def test_code_that_a_model_brings_is_not_run(tmp_path):
    (tmp_path / "modules.json").write_text('[{"idx": 0, "name": "0", "path": "", "type": "mine.Module"}]')
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "mine.py").write_text(f"open({str(tmp_path / 'was_run')!r}, 'w')")
    with pytest.raises(EngineStartFailed):
        async with open_cross_encoder(CrossEncoderSettings(model=str(tmp_path))):
            pass
    assert not (tmp_path / "was_run").exists()


WITHOUT_NETWORK = """
import asyncio, socket, sys
def refuse(*args): raise AssertionError(f"the network was asked: {args[1:]}")
socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
from jarvis_adapters.sentence_transformers import open_cross_encoder
from jarvis_adapters.sentence_transformers.settings import CrossEncoderSettings
async def main():
    async with open_cross_encoder(CrossEncoderSettings(model=sys.argv[1])) as reranker:
        print(len(await reranker.score("a", ["b", "c"])))
asyncio.run(main())
"""


def test_loads_without_a_network_and_prints_nothing(folder):
    command = [sys.executable, "-c", WITHOUT_NETWORK, str(folder)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (run.stdout, run.stderr, run.returncode) == ("2\n", "", 0)
