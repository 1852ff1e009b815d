"""Against a stub of the hub; the real one is not asked."""

import re

import pytest

from jarvis.models import cache, resolve
from jarvis.models.download import download
from jarvis.models.references import HubModel
from jarvis.models.work import Work
from jarvis_ports.errors import ModelUnavailable


@pytest.fixture
def refused(hub, tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.url)

    def refused(repository, revision=None):
        with pytest.raises(ModelUnavailable) as unavailable:
            download(HubModel(repository, revision), Work(tmp_path))
        assert "\n" not in str(unavailable.value)
        return str(unavailable.value)

    return refused


def names(folder):
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


def test_fetches_safetensors_alone_and_once(hub, cache_folder):
    folder = resolve("org/model")
    assert folder == cache_folder / "org" / "model"
    assert names(folder) == ["README.md", "config.json", "model.safetensors"]
    hub.asked.clear()
    assert resolve("org/model") == folder
    assert not hub.asked


def test_fetches_other_weights_where_there_are_no_safetensors(hub):
    del hub.files["model.safetensors"]
    assert "pytorch_model.bin" in names(resolve("org/model"))


def test_a_revision_has_a_folder_of_its_own_and_is_listed(hub, cache_folder):
    folder = resolve("org/model@v/1")
    assert folder != cache.folder("org/model")
    listed = list(cache.models())[-1]
    assert (listed.reference, listed.license, listed.folder) == ("org/model@v/1", "mit", folder)
    assert listed.size == sum(file.stat().st_size for file in folder.iterdir())


def test_tells_how_far_it_is(hub):
    hub.gate.clear()
    told = []

    def progress(step, done):
        told.append((step, done))
        if done is not None:
            hub.gate.set()

    resolve("org/model", progress)
    assert "downloading" in {step for step, _ in told}
    assert all(done is None or 0 <= done <= 1 for _, done in told)


@pytest.mark.parametrize(
    ("status", "code", "says"),
    [
        (401, "RepoNotFound", "does not exist, or is private"),
        (404, "RepoNotFound", "does not exist, or is private"),
        (403, "GatedRepo", "access .* must be asked for"),
        (404, "RevisionNotFound", "has no revision 'v2'"),
        (500, "", "answers 500"),
    ],
)
def test_says_what_the_hub_answers(hub, refused, status, code, says):
    hub.error = (status, code)
    assert re.search(says, refused("org/model", "v2"))


def test_says_that_no_hub_is_there(hub, refused, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    assert refused("org/model").startswith("no connection to http://127.0.0.1:9 (")


def test_refuses_what_is_no_model(hub, refused):
    del hub.files["config.json"]
    assert "has no config.json" in refused("org/model")


def test_refuses_what_does_not_fit_the_disk(hub, refused):
    hub.announced["model.safetensors"] = 10**18
    assert re.match(r"it takes 1000000000\.0 GB, and \S+ GB are free", refused("org/model"))


def test_refuses_a_name_that_the_hub_would_not_take(hub, refused):
    assert "'org/a--b'" in refused("org/a--b")


def test_a_refusal_leaves_no_folder(hub, cache_folder):
    hub.error = (404, "RepoNotFound")
    with pytest.raises(ModelUnavailable, match=r"org/model: .* does not exist"):
        resolve("org/model")
    assert not (cache_folder / "org").exists()
    assert not any((cache_folder / ".partial").iterdir())
