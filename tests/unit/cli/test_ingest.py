"""`jarvis ingest`, on a server with the stand-ins."""

import asyncio
import json
import os
import pty
import sys
from asyncio.subprocess import PIPE

import pytest

from jarvis.cli.walk import walk
from jarvis.client import BlockingClient

JARVIS = (sys.executable, "-c", "import sys; from jarvis.cli.main import main; sys.exit(main())")


@pytest.fixture
async def address(start):
    async with start() as server:
        yield server.instance.addresses[0]


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


async def rows(address):
    def ask():
        with BlockingClient(address) as client:
            return client.retrieval.get_collection("default").rows

    return await asyncio.to_thread(ask)


async def test_a_collection_that_is_not_there_is_said_in_every_run(address, folder, run):
    for number in range(30):
        (folder / f"{number}.txt").write_text("word " * 5000)
    for _ in range(8):
        code, _, err = await run("ingest", "--dry-run", str(folder), "--server", address)
        assert code == 1
        assert err.endswith("jarvis: no collection 'default'; create it, or list those that exist\n")


async def test_a_folder_is_stored_and_then_unchanged(address, folder, run):
    code, out, err = await run("ingest", str(folder), "--server", address)
    assert (code, err) == (0, "")
    *added, summary = out.splitlines()
    assert added == [f"added {folder}/a.md", f"added {folder}/sub/b.txt"]
    outcomes, _, chunks = summary.partition("; ")
    assert outcomes == "2 added, 0 changed, 0 unchanged, 0 failed, 0 pruned, 1 of unknown kinds skipped"
    assert chunks == "2 chunks, 2 of them embedded"
    (folder / "a.md").write_text("other")
    code, out, _ = await run("ingest", str(folder), "--server", address)
    assert out.splitlines()[0] == f"changed {folder}/a.md"
    assert out.splitlines()[1].startswith("0 added, 1 changed, 1 unchanged")


async def test_how_a_document_was_read_is_told(address, tmp_path, run):
    (tmp_path / "a.txt").write_bytes("El señor Núñez".encode("cp1252"))
    (tmp_path / "b.txt").write_bytes("łódź".encode("cp1250"))
    command = ("ingest", str(tmp_path), "--server", address)
    code, out, _ = await run(*command)
    guessed = "decoded as windows-1252, the usual one, as nothing says otherwise"
    assert (code, out.splitlines()[0]) == (0, f"added {tmp_path}/a.txt ({guessed})")
    _, out, _ = await run(*command, "--language", "pl", "--json")
    last = json.loads(out.splitlines()[1])
    assert (last["outcome"], last["notes"]) == ("changed", ["decoded as windows-1250, by its language"])
    _, out, _ = await run("search", "łódź", "--mode", "sparse", "--server", address)
    assert "łódź" in out


async def test_json_is_one_object_a_line(address, folder, run):
    code, out, _ = await run("ingest", str(folder), "--server", address, "--json")
    first, second, last = map(json.loads, out.splitlines())
    assert (first["source"], first["outcome"], first["chunks"]) == (f"{folder}/a.md", "added", 1)
    assert second["source"] == f"{folder}/sub/b.txt"
    assert (last["finished"]["added"], last["finished"]["skipped"], code) == (2, 1, 0)


async def test_what_is_gone_is_pruned_where_asked_for(address, folder, run):
    await run("ingest", str(folder), "--server", address)
    (folder / "a.md").unlink()
    _, out, _ = await run("ingest", str(folder), "--server", address, "--prune", "--dry-run")
    assert f"pruned {folder}/a.md" in out
    assert "would be: 0 added, 0 changed, 1 unchanged, 0 failed, 1 pruned" in out
    assert await rows(address) == 2
    _, out, _ = await run("ingest", str(folder), "--server", address, "--prune")
    assert f"pruned {folder}/a.md" in out
    assert await rows(address) == 1


async def test_documents_that_fail_are_named_and_the_code_is_1(address, folder, run):
    (folder / "bad.md").write_bytes(b"\0\1\2")
    code, out, _ = await run("ingest", str(folder), "--server", address)
    assert code == 1
    assert f"failed {folder}/bad.md: " in out
    assert "2 added, 0 changed, 0 unchanged, 1 failed" in out


async def test_a_file_that_cannot_be_read_keeps_what_is_stored(address, folder, run, monkeypatch):
    await run("ingest", str(folder), "--server", address)
    read = type(folder).read_bytes

    def refuse(path):
        if path.name == "a.md":
            raise PermissionError(13, "Permission denied")
        return read(path)

    monkeypatch.setattr(type(folder), "read_bytes", refuse)
    code, out, _ = await run("ingest", str(folder), "--server", address, "--prune")
    assert (code, out.splitlines()[0]) == (1, f"failed {folder}/a.md: Permission denied")
    assert await rows(address) == 2


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
        (("nowhere",), "nowhere does not exist"),
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
    assert listing.skipped == 2


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
    assert out.decode().splitlines()[0] == f"added {folder}/a.md"
    assert b"ingesting" in os.read(ours, 4096)
    os.close(ours)


async def test_ctrl_c_tells_what_is_stored_and_ends_with_130(address, tmp_path):
    for n in range(2000):
        (tmp_path / f"{n}.md").write_text(f"document {n}")
    process = await asyncio.create_subprocess_exec(
        *JARVIS, "ingest", str(tmp_path), "--server", address, stdout=PIPE, stderr=PIPE
    )
    await asyncio.wait_for(process.stdout.readline(), 30)
    process.send_signal(2)
    _, err = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 130
    assert b"documents are stored; the same command goes on after them" in err
    assert 0 < await rows(address) < 2000
