"""`jarvis ingest`, on a server with the stand-ins."""

import asyncio
import io
import json
import os
import pty
import sys
import tracemalloc
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from jarvis.cli.sending import documents, read
from jarvis.cli.walk import walk
from tests.command import JARVIS
from tests.unit.cli.stored import rows


@pytest.fixture
def folder(tmp_path):
    """A folder with two documents, and what is not to be taken."""
    made = tmp_path / "docs"
    for name, content in {
        "a.md": "# Alpha\n\nThe first document.",
        "sub/b.txt": "The second document.",
        ".hidden/c.md": "hidden",
        ".d.md": "hidden",
        "image.xyz": "unknown",
    }.items():
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_text(content)
    return made


@pytest.mark.parametrize("prune", [[], ["--prune"]])
async def test_a_dry_run_tells_that_the_collection_would_be_made(address, folder, run, prune):
    command = ("ingest", str(folder), "--collection", "manuals", "--dry-run", *prune, "--server", address)
    code, out, err = await run(*command)
    assert (code, err) == (0, "")
    would = "would be: collection 'manuals' made, 2 documents sent to it, 0 pruned; 0 failed, 3 skipped"
    assert out.splitlines()[-1] == would
    _, out, _ = await run(*command, "--json")
    told = {"would_make": "manuals", "sent": 2, "pruned": 0, "failed": 0, "skipped": 3}
    assert json.loads(out.splitlines()[-1]) == {"finished": told}
    code, _, _ = await run("collections", "show", "manuals", "--server", address)
    assert code == 2


async def test_a_folder_is_stored_and_then_unchanged(address, folder, run):
    code, out, err = await run("ingest", str(folder), "--server", address)
    assert (code, err) == (0, "")
    *lines, summary = out.splitlines()
    assert lines == [
        f"skipped {folder}/.d.md: hidden",
        f"skipped {folder}/.hidden/: hidden",
        f"skipped {folder}/image.xyz: of unknown kind .xyz",
        f"added {folder}/a.md",
        f"added {folder}/sub/b.txt",
    ]
    outcomes, _, chunks = summary.partition("; ")
    skipped = "3 skipped (2 hidden, 1 of unknown kind .xyz)"
    assert outcomes == f"2 added, 0 changed, 0 unchanged, 0 failed, 0 pruned, {skipped}"
    assert chunks == "2 chunks, 2 of them embedded"
    (folder / "a.md").write_text("other")
    code, out, _ = await run("ingest", str(folder), "--server", address)
    assert out.splitlines()[3] == f"changed {folder}/a.md"
    assert out.splitlines()[4].startswith("0 added, 1 changed, 1 unchanged")


async def test_how_a_document_was_read_is_told(address, tmp_path, run):
    (tmp_path / "a.txt").write_bytes("El señor Núñez".encode("cp1252"))
    (tmp_path / "b.txt").write_bytes("łódź".encode("cp1250"))
    command = ("ingest", str(tmp_path), "--server", address)
    code, out, _ = await run(*command)
    guessed = "decoded as windows-1252, the default, as nothing says otherwise"
    assert (code, out.splitlines()[0]) == (0, f"added {tmp_path}/a.txt ({guessed})")
    _, out, _ = await run(*command, "--language", "pl", "--json")
    last = json.loads(out.splitlines()[1])
    assert (last["outcome"], last["notes"]) == ("changed", ["decoded as windows-1250, by its language"])
    _, out, _ = await run("search", "łódź", "--mode", "sparse", "--server", address)
    assert "łódź" in out


async def test_json_is_one_object_a_line(address, folder, run):
    code, out, _ = await run("ingest", str(folder), "--server", address, "--json")
    *skipped, first, second, last = map(json.loads, out.splitlines())
    assert skipped[2] == {
        "source": f"{folder}/image.xyz",
        "outcome": "skipped",
        "message": "of unknown kind .xyz",
    }
    assert (first["source"], first["outcome"], first["chunks"]) == (f"{folder}/a.md", "added", 1)
    assert second["source"] == f"{folder}/sub/b.txt"
    assert (last["finished"]["added"], last["finished"]["skipped"], code) == (2, 3, 0)
    assert last["finished"]["skipped_kinds"] == {"hidden": 2, "of unknown kind .xyz": 1}


async def test_documents_that_fail_are_named_and_the_code_is_1(address, folder, run):
    (folder / "bad.md").write_bytes(b"\0\1\2")
    code, out, _ = await run("ingest", str(folder), "--server", address)
    assert code == 1
    assert f"failed {folder}/bad.md: " in out
    assert "2 added, 0 changed, 0 unchanged, 1 failed" in out


async def test_a_file_that_cannot_be_read_keeps_what_is_stored(address, folder, run, monkeypatch):
    await run("ingest", str(folder), "--server", address)
    opened = os.open

    def refuse(path, *arguments, **options):
        if str(path).endswith("a.md"):
            raise PermissionError(13, "Permission denied")
        return opened(path, *arguments, **options)

    monkeypatch.setattr(os, "open", refuse)
    code, out, _ = await run("ingest", str(folder), "--server", address, "--prune")
    assert (code, out.splitlines()[3]) == (1, f"failed {folder}/a.md: Permission denied")
    assert await rows(address) == 2


async def test_names_that_are_no_part_of_an_address_are_taken(address, tmp_path, run):
    for name in ("C# guide.md", "project #1/why?.txt", "100%.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"words of {name}")
    code, out, _ = await run("ingest", str(tmp_path), "--server", address)
    assert (code, out.splitlines()[-1].partition(",")[0]) == (0, "3 added")
    assert f"added {tmp_path}/project #1/why?.txt" in out


@pytest.mark.parametrize("content", [{}, {"a.xyz": "x"}, {".git/a.md": "x"}])
async def test_a_folder_of_which_nothing_was_taken_is_no_success(address, tmp_path, run, content):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "a.md").write_text("x")
    bare = tmp_path / "bare"
    bare.mkdir()
    for name, text in content.items():
        (bare / name).parent.mkdir(exist_ok=True)
        (bare / name).write_text(text)
    code, _, err = await run("ingest", str(bare), str(tmp_path / "other"), "--server", address)
    assert (code, err) == (1, f"jarvis: nothing was taken from {bare}\n")


async def test_a_path_that_is_too_long_fails_alone(address, tmp_path, run):
    deep = tmp_path
    while len(str(deep)) < 2100:
        deep /= "n" * 240
        deep.mkdir()
    (deep / "a.md").write_text("deep")
    (tmp_path / "b.md").write_text("fine")
    code, out, _ = await run("ingest", str(tmp_path), "--server", address)
    assert code == 1
    assert f"failed {deep}/a.md: document.source: must have 1 to 2048 bytes, has " in out
    assert f"added {tmp_path}/b.md" in out
    assert await rows(address) == 1


async def test_a_file_that_is_too_large_is_refused_by_its_size_alone(address, folder, run):
    await run("ingest", str(folder), "--server", address)
    with (folder / "a.md").open("wb") as file:
        file.truncate(700 * 2**20)
    tracemalloc.start()
    code, out, _ = await run("ingest", str(folder), "--server", address)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert code == 1
    assert f"failed {folder}/a.md: has 734003200 bytes, and retrieval.max_document_bytes is 33554432" in out
    assert most < 2**28
    assert await rows(address) == 2


def test_what_has_become_a_pipe_or_grows_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.md")
    with pytest.raises(OSError, match="it is no regular file any more"):
        read(tmp_path / "pipe.md", 100)
    with pytest.raises(OSError, match="has more than 100 bytes"):
        read(Path("/proc/self/maps"), 100)  # its size is 0, and it has more


async def test_empty_files_are_counted_apart_and_are_no_failure(address, folder, run):
    (folder / "__init__.py").touch()
    code, out, _ = await run("ingest", str(folder), "--server", address)
    assert code == 0
    assert "2 added, 0 changed, 0 unchanged, 1 empty, 0 failed, 0 pruned" in out
    (folder / "a.md").write_text("")
    code, out, _ = await run("ingest", str(folder), "--server", address)
    assert (code, f"empty {folder}/a.md" in out) == (0, True)
    assert await rows(address) == 1


def test_standard_input_that_is_too_large_fails(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"x" * 11)))
    (document,) = documents([Path("-")], "a.md", 10)
    assert (document.source, document.data) == ("a.md", b"")
    assert document.failure == "has more than 10 bytes, and retrieval.max_document_bytes is 10"


async def test_where_a_folder_cannot_be_listed_nothing_is_pruned(address, folder, run, monkeypatch):
    await run("ingest", str(folder), "--server", address)
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith("sub"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    code, out, err = await run("ingest", str(folder), "--server", address, "--prune")
    assert code == 1
    assert err == "jarvis: nothing is pruned, as not every folder could be listed\n"
    assert f"failed {folder}/sub: Permission denied" in out
    assert await rows(address) == 2


async def test_standard_input_is_a_document(address, run):
    code, out, _ = await run("ingest", "-", "--source", "notes.md", "--server", address, stdin="# Notes")
    assert (code, out.splitlines()[0]) == (0, "added notes.md")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("nowhere",),
            "nowhere does not exist; if it was deleted, jarvis documents delete removes",
        ),
        (("n" * 300,), "File name too long"),
        (("",), "is empty"),
        (("-",), "--source"),
        (("-", "--source", "x.md", "--prune"), "--prune"),
        ((), "PATH"),
    ],
)
async def test_command_lines_that_are_wrong(run, arguments, message):
    code, out, err = await run("ingest", *arguments, "--server", "127.0.0.1:1")
    assert (code, out) == (2, "")
    assert message in err


async def test_a_size_that_the_server_refuses(address, folder, run):
    code, _, err = await run("ingest", str(folder), "--server", address, "--chunk-tokens", "9999")
    assert code == 2
    assert "chunk_tokens: must be at most the 256 tokens" in err


def test_a_loop_of_links_ends_and_each_folder_is_entered_once(folder):
    (folder / "sub" / "loop").symlink_to(folder, target_is_directory=True)
    (folder / "again").symlink_to(folder / "sub", target_is_directory=True)
    (folder / "dangling.md").symlink_to("nowhere.md")
    listing = walk([folder, folder / "a.md"], [])
    assert sorted(file.name for file in listing.files) == ["a.md", "b.txt"]
    assert listing.skipped[f"{folder}/dangling.md"] == "a link that leads nowhere"
    assert (listing.failures, listing.bare) == ({}, [])


def test_patterns_choose_whatever_the_kind(folder):
    assert [file.name for file in walk([folder], ["*.xyz", "sub/*"]).files] == ["image.xyz", "b.txt"]
    assert [file.name for file in walk([folder / "image.xyz"], []).files] == ["image.xyz"]


def test_a_name_that_is_not_utf8_is_a_failure(folder):
    os.close(os.open(os.fsencode(folder) + b"/\xff.md", os.O_CREAT))
    listing = walk([folder], [])
    assert list(listing.failures.values()) == ["its name is not UTF-8"]
    assert len(listing.files) == 2


async def test_a_bar_on_the_terminal_leaves_the_pipe_alone(address, folder):
    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *JARVIS, "ingest", str(folder), "--server", address, stdout=PIPE, stderr=theirs
    )
    os.close(theirs)
    out, _ = await asyncio.wait_for(process.communicate(), 30)
    assert f"added {folder}/a.md" in out.decode().splitlines()
    assert b"ingesting" in os.read(ours, 4096)
    os.close(ours)
