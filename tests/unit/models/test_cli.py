import json
import subprocess
import sys
from pathlib import Path

import pytest

from jarvis.models.catalogue import CATALOGUE, DEMO_EMBEDDER, DEMO_MODEL

pytestmark = pytest.mark.slow


def models(*arguments):
    command = [Path(sys.executable).with_name("jarvis"), "models", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_lists_what_is_there_and_what_is_not(hub):
    assert models("fetch", "org/model").returncode == 0
    listed = models("list").stdout.splitlines()
    assert listed[0].split() == ["MODEL", "LICENSE", "SIZE", "STATE"]
    assert listed[1].split() == [DEMO_MODEL, "Apache-2.0", "-", "not", "fetched"]
    assert listed[2].split()[:2] == [DEMO_EMBEDDER, "Apache-2.0"]
    assert listed[3].split() == ["org/model", "mit", "5.0", "kB", "ready"]


def test_lists_as_json(cache_folder):
    listed = json.loads(models("list", "--json").stdout)
    assert listed[0] == {"reference": DEMO_MODEL, "license": "Apache-2.0", "folder": None, "size": None}
    assert [model["reference"] for model in listed] == list(CATALOGUE)


@pytest.mark.skipif(CATALOGUE[DEMO_EMBEDDER].folder is None, reason="the extra `demo` is not installed")
def test_a_model_that_its_package_holds_as_a_folder_is_ready(cache_folder):
    folder = CATALOGUE[DEMO_EMBEDDER].folder
    assert models("fetch", DEMO_EMBEDDER).stdout == f"{folder}\n"
    assert models("list").stdout.splitlines()[2].split()[-2:] == ["MB", "ready"]
    assert not cache_folder.exists()


def test_fetch_prints_the_folder_alone_where_there_is_no_terminal(hub, cache_folder):
    run = models("fetch", "org/model")
    assert (run.stdout, run.stderr) == (f"{cache_folder / 'org' / 'model'}\n", "")


def test_fetch_says_what_is_wrong_in_one_line(cache_folder):
    run = models("fetch", "nothing")
    assert run.returncode == 2
    assert run.stderr.startswith("jarvis: no model 'nothing'")
    assert run.stderr.count("\n") == 1
