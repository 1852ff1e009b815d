import json

import pytest

from jarvis.models import resolve
from jarvis.models.catalogue import DEMO_MODEL


@pytest.mark.long
@pytest.mark.timeout(300)
def test_the_demo_model_is_unpacked_without_a_network(cache_folder, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    folder = resolve(DEMO_MODEL)
    assert folder == cache_folder / DEMO_MODEL
    check(folder)


@pytest.mark.engine
def test_the_demo_model_that_was_unpacked_before_is_whole():
    check(resolve(DEMO_MODEL))


def check(folder):
    config = json.loads((folder / "config.json").read_text())
    assert (config["architectures"], config["dtype"]) == (["LlamaForCausalLM"], "bfloat16")
    assert {"model.safetensors", "tokenizer.json", "chat_template.jinja"} <= {
        f.name for f in folder.iterdir()
    }
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o644}
