"""What the sentence-transformers adapter makes of its settings and of a folder, without a model."""

import importlib.util
import json
import shutil

import pytest
from pydantic import ValidationError

from jarvis_adapters.sentence_transformers import open_sentence_transformers
from jarvis_adapters.sentence_transformers.identity import identity
from jarvis_adapters.sentence_transformers.load import _prompts, set_max_tokens
from jarvis_adapters.sentence_transformers.settings import SentenceTransformersSettings
from jarvis_ports.embedding import TextRole
from jarvis_ports.errors import EngineStartFailed

# Identity


@pytest.fixture
def model_folder(tmp_path):
    folder = tmp_path / "here" / "model"
    (folder / "1_Pooling").mkdir(parents=True)
    modules = [{"path": ""}, {"path": "1_Pooling"}, {"path": "2_Normalize"}]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"weights")
    (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode_mean_tokens": true}')
    return folder


def test_identity_is_that_of_the_content_wherever_it_is(model_folder, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(model_folder, elsewhere)
    (elsewhere / "README.md").write_text("about it")
    (elsewhere / "pytorch_model.bin").write_bytes(b"the same in another format")
    (elsewhere / "config_sentence_transformers.json").write_text('{"__version__": {}}')
    (elsewhere / "onnx").mkdir()
    (elsewhere / "onnx" / "config.json").write_text("{}")
    assert identity(model_folder, ["a", "b"]) == identity(elsewhere, ["a", "b"])


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("model.safetensors", "weighty"),
        ("model-2.safetensors", ""),
        ("1_Pooling/config.json", '{"pooling_mode_cls_token": true}'),
        ("tokenizer.json", "{}"),
        ("vocab.txt", "a"),
    ],
)
def test_identity_changes_with_what_decides_vectors(model_folder, file, content):
    before = identity(model_folder, ["a"])
    (model_folder / file).write_text(content)
    assert identity(model_folder, ["a"]) != before


def test_identity_does_not_confuse_prompts(model_folder):
    assert len({identity(model_folder, prompts) for prompts in (["ab", ""], ["a", "b"], ["", "ab"])}) == 3


# Settings


class Named:
    """A model with these prompts and limits."""

    def __init__(self, prompts=None, max_seq_length=None, positions=None):
        self.prompts = {"query": "", "document": "", **(prompts or {})}
        self.max_seq_length = max_seq_length
        self.config = type("Config", (), {"max_position_embeddings": positions} if positions else {})

    def __getitem__(self, index):
        return self


@pytest.mark.parametrize(
    ("own", "settings", "expected"),
    [
        ({}, {}, ("", "")),
        ({"query": "q: ", "passage": "p: "}, {}, ("q: ", "p: ")),
        ({"query": "q: ", "document": "d: ", "passage": "p: "}, {}, ("q: ", "d: ")),
        ({"query": "q: ", "passage": "p: "}, {"query_prompt": "", "document_prompt": "x"}, ("", "x")),
    ],
)
def test_prompts_are_the_models_own_unless_they_are_set(own, settings, expected):
    found = _prompts(Named(own), SentenceTransformersSettings(model="m", **settings))
    assert (found[TextRole.QUERY], found[TextRole.DOCUMENT]) == expected


@pytest.mark.parametrize(
    ("limits", "wanted", "expected"),
    [
        ((256, 512), None, 256),
        ((10**30, 512), None, 512),
        ((512, None), 64, 64),
        ((None, None), 64, 64),
        ((None, None), None, "set max_tokens"),
        ((256, 512), 257, "max_tokens is 257, and the model reads 256"),
        ((256, 512), 2, "prompt and special tokens take 2: nothing is left"),
    ],
)
def test_max_tokens(limits, wanted, expected):
    model, settings = Named(None, *limits), SentenceTransformersSettings(model="m", max_tokens=wanted)
    if isinstance(expected, str):
        with pytest.raises(EngineStartFailed, match=expected):
            set_max_tokens(model, settings, 2, "cuda")
    else:
        assert set_max_tokens(model, settings, 2, "cuda") == model.max_seq_length == expected


def test_a_missing_library_is_told_with_the_extra_that_brings_it(monkeypatch):
    monkeypatch.setattr(
        "jarvis_adapters.sentence_transformers.settings.find_spec",
        lambda name: None if name == "sentence_transformers" else importlib.util.find_spec(name),
    )
    with pytest.raises(ValidationError, match=r"pip install '\.\[embedding\]' \./plugins"):
        SentenceTransformersSettings(model="m")


@pytest.mark.parametrize(
    "files", [{}, {"config.json": "{"}, {"config.json": "{}"}, {"modules.json": '[{"idx": 0}]'}]
)
async def test_a_broken_folder_is_told_in_one_line_that_names_it(tmp_path, files):
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    with pytest.raises(EngineStartFailed) as failed:
        async with open_sentence_transformers(SentenceTransformersSettings(model=str(tmp_path))):
            pass
    assert str(failed.value).startswith(f"{tmp_path}: ")
    assert "\n" not in str(failed.value)


async def test_code_that_a_model_brings_is_not_run(tmp_path):
    modules = [{"idx": 0, "name": "0", "path": "", "type": "mine.Module"}]
    (tmp_path / "modules.json").write_text(json.dumps(modules))
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "mine.py").write_text(f"open({str(tmp_path / 'was_run')!r}, 'w')")
    with pytest.raises(EngineStartFailed, match=r"mine\.Module"):
        async with open_sentence_transformers(SentenceTransformersSettings(model=str(tmp_path))):
            pass
    assert not (tmp_path / "was_run").exists()
