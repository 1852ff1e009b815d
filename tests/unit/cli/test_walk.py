"""Which files of folders are taken, and what is said of the others."""

import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from jarvis.cli import ignore
from jarvis.cli.walk import walk

TAG = "Signature: 8a477f597d28d172789f06886806bc55\n"


def fill(folder, *names, **contents):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(contents.get(name, "x"))


def taken(folder, *, include=(), ignore=True):
    return sorted(str(file.relative_to(folder)) for file in walk([folder], include, ignore=ignore).files)


def skipped(listing, folder):
    return {path.removeprefix(f"{folder}/"): kind for path, kind in listing.skipped.items()}


def test_all_that_is_skipped_is_named_with_its_kind(tmp_path):
    fill(tmp_path, "a.md", "b.XYZ", "c", ".env", ".git/x.md", "node_modules/m/x.js", "app/__pycache__/x.py")
    fill(tmp_path, "lib/pyvenv.cfg", "lib/x.py", "target/x.rs", "out.md", "tmp/x.md")
    (tmp_path / "target" / "CACHEDIR.TAG").write_text(TAG)
    (tmp_path / ".gitignore").write_text("out.md\ntmp/\n")
    os.mkfifo(tmp_path / "pipe.md")
    (tmp_path / "none.md").symlink_to("nowhere.md")
    (tmp_path / "round.md").symlink_to("round.md")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(os.path.relpath(tmp_path / "socket.md"))
        listing = walk([tmp_path], [])
    assert [file.name for file in listing.files] == ["a.md"]
    assert listing.failures == {}
    assert skipped(listing, tmp_path) == {
        ".env": "hidden",
        ".git/": "hidden",
        ".gitignore": "hidden",
        "app/__pycache__/": "a cache",
        "b.XYZ": "of unknown kind .xyz",
        "c": "of unknown kind, without an ending",
        "lib/": "packages",
        "node_modules/": "packages",
        "none.md": "a link that leads nowhere",
        "out.md": "ignored by Git",
        "pipe.md": "a pipe, a socket or a device",
        "round.md": "a link that leads nowhere",
        "socket.md": "a pipe, a socket or a device",
        "target/": "a cache",
        "tmp/": "ignored by Git",
    }


def test_no_ignore_takes_all_of_it(tmp_path):
    names = [".git/a.md", ".h.md", "b.md", "node_modules/c.js", "x/__pycache__/d.py"]
    fill(tmp_path, *names)
    (tmp_path / ".gitignore").write_text("b.md\n")
    assert taken(tmp_path, ignore=False) == names


def test_what_is_named_is_taken_whatever_ignores_it(tmp_path):
    fill(tmp_path, "node_modules/a.js", "node_modules/.b.js", ".hidden/c.md", "build/d.md", "build/e.log")
    fill(tmp_path, ".git/HEAD", "f.log")
    (tmp_path / ".gitignore").write_text("build/\n*.log\n")
    assert taken(tmp_path / "node_modules") == ["a.js"]
    assert taken(tmp_path / ".hidden") == ["c.md"]
    assert taken(tmp_path / "build") == ["d.md", "e.log"]
    assert [file.name for file in walk([tmp_path / "f.log"], []).files] == ["f.log"]
    assert taken(tmp_path) == []


def test_of_a_file_that_is_a_pipe_it_is_said_what_to_do(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    listing = walk([tmp_path / "pipe"], [])
    assert "send what it gives to - --source NAME" in listing.failures[str(tmp_path / "pipe")]


def test_rules_that_cannot_be_read_are_a_failure(tmp_path, monkeypatch):
    fill(tmp_path, "a.md", "sub/b.md")
    (tmp_path / "sub" / ".gitignore").write_text("b.md")

    def refuse(folder):
        if folder.endswith("sub"):
            raise PermissionError(13, "Permission denied", f"{folder}/.gitignore")
        return ()

    monkeypatch.setattr("jarvis.cli.walk.own", refuse)
    listing = walk([tmp_path], [])
    assert [file.name for file in listing.files] == ["a.md"]
    assert listing.failures == {f"{tmp_path}/sub/.gitignore": "Permission denied"}
    assert listing.unlisted


def test_what_vanishes_or_cannot_be_looked_at_stops_nothing(tmp_path, monkeypatch):
    fill(tmp_path, "a.md", "gone.md", "locked.md", "sub/b.md", "vanished/c.md")
    ignored = ignore.ignored

    def meanwhile(rules, paths):
        (path,) = paths
        if path.endswith("gone.md"):
            Path(path).unlink()
        if path.endswith("vanished/"):
            shutil.rmtree(path)
        if path.endswith("locked.md"):
            raise PermissionError(13, "Permission denied")
        return ignored(rules, paths)

    monkeypatch.setattr("jarvis.cli.walk.ignored", meanwhile)
    listing = walk([tmp_path], [])
    assert [file.name for file in listing.files] == ["a.md", "b.md"]
    assert skipped(listing, tmp_path) == {"gone.md": "gone meanwhile", "vanished": "gone meanwhile"}
    assert listing.failures == {f"{tmp_path}/locked.md": "Permission denied"}


def test_a_folder_that_is_deeper_than_a_path_may_be_is_named(tmp_path):
    fill(tmp_path, "a.md")
    there = Path.cwd()
    os.chdir(tmp_path)
    try:
        for _ in range(20):
            Path("n" * 250).mkdir()
            os.chdir("n" * 250)
    finally:
        os.chdir(there)
    listing = walk([tmp_path], [])
    assert [file.name for file in listing.files] == ["a.md"]
    assert list(listing.failures.values()) == ["File name too long"]
    assert listing.unlisted
    assert shutil.rmtree.avoids_symlink_attacks, "it can delete what no path reaches"
    shutil.rmtree(tmp_path)


@pytest.fixture
def repository(tmp_path, monkeypatch):
    if not shutil.which("git"):
        pytest.skip("compares with Git, which is not installed")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    subprocess.run(["git", "init", "-q", tmp_path / "r"], check=True)
    return tmp_path / "r"


def of_git(folder):
    command = ["git", "-C", folder, "ls-files", "--others", "--exclude-standard", "-z"]
    found = subprocess.run(command, check=True, capture_output=True).stdout.decode()
    return sorted(name for name in found.split("\0") if name.endswith(".md"))


FILES = [
    f"{folder}{name}.md"
    for folder in ("", "a/", "a/b/", "a/b/c/", "build/", "build/a/", "docs/", "docs/build/", "ä ö/", "x[1]/")
    for name in ("one", "two", "Three", "#four", "five!", "sp ace")
]


@pytest.mark.parametrize(
    "rules",
    [
        {"": "one.md"},
        {"": "/one.md\n/a/*\n!/a/b"},
        {"": "build/\n!build/one.md"},
        {"": "build/*\n!build/one.md\n!build/a/"},
        {"": "*\n!*/\n!two.md"},
        {"": "*.md\n!/docs/**/one.md", "docs": "!two.md\n/one.md"},
        {"": "a/b", "a": "!b\n!b/"},
        {"": "**/b/**\nx\\[1\\]\n", "docs": "build"},
        {"": "\\#four.md\n# one.md\nfive\\!.md\n\\!x\n"},
        {"": "sp ace.md   \ntwo.md\\ \n"},
        {"": "[ot]*.md\n!t?o.md\nThre[!x]*"},
        {"": "\ufeffone.md\r\ntwo.md"},
        {"": "!\n\\\n/\n[\none.md"},
        {"": "a/**/one.md\n**/two.md\nbuild/**"},
        {"": "one.md/\ndocs/build/"},
        {"": "ä*/\n"},
        {"a/b": "/*\n!c/\n!one.md", "a/b/c": "*\n!two.md"},
        {"": "foo\nA/\n", ".git/info": "two.md\ndocs/"},
        {"": "!two.md\n", ".git/info": "two.md\n"},
    ],
    ids=str,
)
def test_the_same_files_are_ignored_as_by_git(repository, rules):
    fill(repository, *FILES)
    for folder, text in rules.items():
        name = "exclude" if folder == ".git/info" else ".gitignore"
        (repository / folder / name).write_text(text, encoding="utf-8")
    assert taken(repository) == of_git(repository)
    for folder in ("a", "docs"):  # what stands above a folder holds in it
        listed = of_git(repository / folder)
        if listed:
            assert taken(repository / folder) == listed


def test_rules_hold_outside_of_a_repository_too(tmp_path):
    fill(tmp_path, "r/a.md", "r/b.md")
    (tmp_path / "r" / ".gitignore").write_text("b.md")
    (tmp_path / ".gitignore").write_text("a.md")  # not above a repository's root
    assert taken(tmp_path / "r") == ["a.md"]
