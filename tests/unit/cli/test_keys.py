"""`jarvis keys`."""

import json
import os
import re
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from jarvis.access import keys
from jarvis.cli.main import main
from jarvis.core.principal import Role, log_id

KEY = re.compile(r"jarvis_([0-9a-f]{12})_[\w-]{43}")


@pytest.fixture
def file(tmp_path):
    return tmp_path / "keys.json"


@pytest.fixture
def run(file, capsys):
    def run(*arguments):
        code = main(["keys", *arguments, "--file", str(file)])
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return run


def test_a_key_is_printed_once_and_its_hash_is_kept(run, file):
    code, out, err = run("add", "team", "--role", "infer", "--role", "write", "--days", "1")
    key = KEY.fullmatch(out.strip())
    assert code == 0
    assert key
    assert f"key {key[1]} of team is good until" in err
    assert key[0].split("_", 2)[2] not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600

    (listed,) = json.loads(run("list", "--json")[1])
    assert (listed["id"], listed["caller"], listed["roles"]) == (key[1], "team", ["infer", "write"])
    assert (listed["log_id"], listed["expired"]) == (log_id("team"), False)
    assert "digest" not in listed


def test_keys_are_revoked_by_id_by_themselves_and_by_caller(run, file):
    made = [run("add", caller, "--role", "infer")[1].strip() for caller in ("a", "a", "b", "c")]
    ids = [keys.id_of(key) for key in made]
    assert run("revoke", "--caller", "a", "--dry-run")[1] == "".join(
        f"would revoke {id_} of a\n" for id_ in ids[:2]
    )
    assert len(keys.read(file)) == 4
    assert run("revoke", ids[0], made[2])[1] == f"revoked {ids[0]} of a\nrevoked {ids[2]} of b\n"
    assert run("revoke", "--caller", "a")[1] == f"revoked {ids[1]} of a\n"
    assert [key.caller for key in keys.read(file)] == ["c"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["add", "team", "--role", "cook"], "no role cook; there is infer, write, observe, admin"),
        (["add", " ", "--role", "infer"], "CALLER: is empty"),
        (["add", "a\udcff", "--role", "infer"], "cannot be printed"),
        (["add", "team", "--role", "infer", "--days", "0"], "--days"),
        (["revoke"], "name keys, or a --caller"),
        (["revoke", "x"], "no key x; see jarvis keys list"),
        (["revoke", "--caller", "x"], "'x' has no key"),
    ],
)
def test_what_is_wrong_on_the_command_line_is_told(run, arguments, told):
    run("add", "somebody", "--role", "infer")
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert told in err


def test_a_file_that_is_far_too_large_is_not_read(run, file):
    with file.open("wb") as made:
        made.truncate(2**40)
    code, out, err = run("list")
    assert (code, out) == (1, "")
    assert "has more than 16,000,000 bytes" in err


def test_a_file_that_is_none_of_keys_stays_as_it_is_and_is_not_shown(run, file):
    file.write_text('{"keys": [{"id": "canary"}]}')
    for arguments in (["add", "team", "--role", "infer"], ["list"], ["revoke", "canary"]):
        code, out, err = run(*arguments)
        assert (code, out) == (2, "")
        assert "is not a file of keys: keys.0.caller: Field required" in err
    assert "canary" in file.read_text()


def test_a_folder_that_is_not_there_is_not_made(run, tmp_path, capsys):
    code = main(["keys", "add", "team", "--role", "infer", "--file", str(tmp_path / "nowhere/keys.json")])
    assert code == 2
    told = f"jarvis: there is no folder {tmp_path}/nowhere for the file of keys keys.json: make it first\n"
    assert capsys.readouterr().err == told
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("arguments", [["list"], ["revoke", "1f0c9a3be25d"]])
def test_a_file_that_is_not_there_is_named_with_what_makes_it(run, file, arguments):
    told = f"jarvis: there is no file of keys {file}: jarvis keys add makes it\n"
    assert run(*arguments) == (2, "", told)


def test_without_a_file_the_configuration_says_which(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["keys", "list"]) == 2
    assert "set auth.keys in jarvis.toml, or give --file" in capsys.readouterr().err
    assert main(["keys", "add", "team", "--role", "infer", "--set", "auth.keys=mine.json"]) == 0
    assert (tmp_path / "mine.json").exists()


def test_many_at_once_lose_no_key(file):
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: keys.add(file, "team", [Role.INFER], None)[0].id, range(40)))
    assert sorted(key.id for key in keys.read(file)) == sorted(made)


def test_a_full_disk_leaves_the_file_as_it_is(run, file, monkeypatch):
    run("add", "team", "--role", "infer")
    before = file.read_text()

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    code, out, err = run("add", "other", "--role", "infer")
    assert (code, out) == (1, "")
    assert "No space left on device" in err
    assert file.read_text() == before
    assert sorted(path.name for path in file.parent.iterdir()) == ["keys.json", "keys.json.lock"]


def test_the_rights_of_a_file_stay_and_a_link_stays_a_link(run, file, tmp_path):
    target = tmp_path / "target.json"
    target.write_text('{"version": 1, "keys": []}')
    target.chmod(0o640)
    file.symlink_to(target)
    run("add", "team", "--role", "infer")
    assert file.is_symlink()
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert len(keys.read(target)) == 1


def test_a_key_that_cannot_be_printed_is_revoked(file):
    command = [sys.executable, "-c", "import sys; from jarvis.cli.main import main; sys.exit(main())"]
    command += ["keys", "add", "team", "--role", "infer", "--file", str(file)]
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr == "jarvis: the key could not be printed (No space left on device), and was revoked\n"
    assert keys.read(file) == ()
    closed = subprocess.run(
        ["/bin/sh", "-c", 'exec "$@" >&-', "sh", *command], stderr=subprocess.PIPE, text=True, check=False
    )
    assert closed.returncode == 2
    assert "nobody would see the key" in closed.stderr
    assert keys.read(file) == ()


def test_a_circle_of_links_is_told(run, file):
    file.symlink_to(file)
    code, _, err = run("add", "team", "--role", "infer")
    assert code == 1
    assert "Too many levels of symbolic links" in err
