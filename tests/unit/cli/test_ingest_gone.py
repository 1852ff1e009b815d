"""`jarvis ingest` and `jarvis documents` where files were moved, or are gone."""

import asyncio
import json
import os
import pty
import shutil
from asyncio.subprocess import PIPE

import pytest

from jarvis.client import BlockingClient, Document
from tests.command import JARVIS


@pytest.fixture
async def folder(address, tmp_path, run):
    """A folder with five documents, which are stored."""
    made = tmp_path / "docs"
    for name in ("a.md", "b.md", "c.md", "sub/d.md", "notes.txt"):
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_text(f"The text of {name}.")
    await run("ingest", str(made), "--server", address)
    return made


async def stored(address, folder, run):
    _, out, _ = await run("documents", "list", "--json", "--server", address)
    return sorted(json.loads(line)["source"].removeprefix(f"{folder}/") for line in out.splitlines())


async def test_what_is_gone_is_pruned_where_asked_for(address, folder, run):
    (folder / "a.md").unlink()
    await run("ingest", str(folder), "--server", address)
    assert "a.md" in await stored(address, folder, run)
    code, out, _ = await run("ingest", str(folder), "--server", address, "--prune", "--dry-run")
    assert f"pruned {folder}/a.md" in out
    assert "would be: 0 added, 0 changed, 4 unchanged, 0 failed, 1 pruned" in out
    assert "a.md" in await stored(address, folder, run)
    code, out, _ = await run("ingest", str(folder), "--server", address, "--prune")
    assert (code, f"pruned {folder}/a.md" in out) == (0, True)
    assert await stored(address, folder, run) == ["b.md", "c.md", "notes.txt", "sub/d.md"]


@pytest.mark.parametrize("gone", [["a.md", "b.md", "c.md"], ["a.md", "b.md", "c.md", "sub", "notes.txt"]])
async def test_pruning_everything_or_more_than_half_stops_and_asks(address, folder, run, gone):
    (folder / "new.md").write_text("What hides behind a mount point.")
    for name in gone:
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    before = await stored(address, folder, run)
    code, out, err = await run("ingest", str(folder), "--server", address, "--prune")
    share = "all 5" if len(gone) == 5 else "3 of the 5"
    assert code == 1
    assert err == (
        f"jarvis: nothing is pruned: this would remove {share} documents that were stored below {folder}; "
        "--yes does it without asking\n"
    )
    assert "0 pruned" in out
    assert await stored(address, folder, run) == sorted([*before, "new.md"])
    code, out, err = await run("ingest", str(folder), "--server", address, "--prune", "--yes")
    assert (code, err) == (0, "")
    assert f"{len(gone)} pruned" in out
    assert not {*gone} & {*await stored(address, folder, run)}


async def test_an_unmounted_disk_takes_nothing_with_it(address, folder, run):
    shutil.rmtree(folder)
    folder.mkdir()
    code, _, err = await run("ingest", str(folder), "--server", address, "--prune")
    assert code == 1
    assert f"this would remove all 5 documents that were stored below {folder}" in err
    assert f"nothing was taken from {folder}" in err
    assert len(await stored(address, folder, run)) == 5


async def answered(typed, *arguments):
    """Run a command whose question is answered on a terminal; return its exit code and its errors."""
    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *JARVIS, *arguments, stdin=theirs, stdout=PIPE, stderr=PIPE
    )
    os.write(ours, typed)
    _, err = await asyncio.wait_for(process.communicate(), 60)
    os.close(ours)
    os.close(theirs)
    return process.returncode, err


@pytest.mark.parametrize(("typed", "left"), [(b"\n", 5), (b"y\n", 0)])
async def test_on_a_terminal_it_is_asked(address, folder, run, typed, left):
    shutil.rmtree(folder)
    folder.mkdir()
    code, err = await answered(typed, "ingest", str(folder), "--server", address, "--prune")
    assert b"Is that meant? [y/N]" in err
    assert code == 1
    assert len(await stored(address, folder, run)) == left


@pytest.mark.parametrize(("typed", "code"), [(b"n\n", 1), (b"\x04", 130)], ids=["no", "end of input"])
async def test_a_deletion_that_is_not_wanted_deletes_nothing(address, folder, run, typed, code):
    ended, err = await answered(typed, "documents", "delete", str(folder), "--server", address)
    assert b"Traceback" not in err
    assert (b"nothing was deleted" in err) == (code == 1)
    assert ended == code
    assert len(await stored(address, folder, run)) == 5


async def test_include_prunes_only_what_it_would_include(address, folder, run):
    (folder / "notes.txt").unlink()
    (folder / "a.md").unlink()
    _, out, _ = await run("ingest", str(folder), "--server", address, "--prune", "--include", "*.md")
    assert "3 unchanged, 0 failed, 1 pruned" in out
    assert await stored(address, folder, run) == ["b.md", "c.md", "notes.txt", "sub/d.md"]


async def test_a_moved_file_is_known_by_its_content(address, folder, run):
    (folder / "sub").rename(folder / "new")
    (folder / "a.md").rename(folder / "z.md")
    shutil.copy(folder / "b.md", folder / "copy.md")
    _, out, _ = await run("ingest", str(folder), "--server", address, "--dry-run")
    assert "would be: 3 added, 0 changed, 3 unchanged, 2 moved" in out
    assert "sub/d.md" in await stored(address, folder, run)
    code, out, _ = await run("ingest", str(folder), "--server", address)
    assert code == 0
    assert f"moved {folder}/a.md: to {folder}/z.md" in out
    assert f"moved {folder}/sub/d.md: to {folder}/new/d.md" in out
    assert "0 of them embedded" in out
    assert await stored(address, folder, run) == [
        "b.md",
        "c.md",
        "copy.md",
        "new/d.md",
        "notes.txt",
        "z.md",
    ]


async def test_a_folder_whose_files_all_moved_within_it_needs_no_consent(address, folder, run):
    (folder / "below").mkdir()
    for name in ("a.md", "b.md", "c.md", "sub", "notes.txt"):
        (folder / name).rename(folder / "below" / name)
    code, out, err = await run("ingest", str(folder), "--server", address, "--prune")
    assert (code, err) == (0, "")
    assert "5 added, 0 changed, 0 unchanged, 5 moved, 0 failed, 0 pruned" in out
    assert len(await stored(address, folder, run)) == 5


async def test_a_folder_that_no_longer_exists_is_removed_by_its_name(address, folder, run, monkeypatch):
    shutil.rmtree(folder)
    monkeypatch.chdir(folder.parent)
    code, out, err = await run("documents", "delete", "docs/sub", "--server", address)
    assert (code, out.splitlines()) == (2, [f"would delete {folder}/sub/d.md"])
    assert "--yes" in err
    code, out, _ = await run("documents", "delete", "docs", "docs/sub", "--dry-run", "--server", address)
    assert (code, out.splitlines()[-1]) == (0, "would delete 5 documents")
    assert len(await stored(address, folder, run)) == 5
    code, out, _ = await run("documents", "delete", "docs/sub/", "--yes", "--server", address)
    assert (code, out) == (0, "deleted 1 documents\n")
    assert await stored(address, folder, run) == ["a.md", "b.md", "c.md", "notes.txt"]
    for path in ("docs/su", ""):  # an empty path is not the root
        code, _, _ = await run("documents", "delete", path, "--yes", "--server", address)
        assert (code, len(await stored(address, folder, run))) == (2, 4)
    code, _, err = await run("documents", "delete", "docs/su", "--yes", "--server", address)
    assert (code, err) == (2, "jarvis: collection 'default' has no such document\n")


async def test_paths_of_which_nothing_is_stored_are_told(address, folder, run):
    code, out, err = await run("documents", "list", "nope", "--server", address)
    told = "jarvis: collection 'default' has no such document; --collection names another\n"
    assert (code, out, err) == (2, "", told)
    code, _, err = await run("documents", "list", "--collection", "nope", "--server", address)
    assert (code, "no collection 'nope'" in err) == (2, True)


async def test_documents_that_are_no_files_are_listed_and_deleted_by_their_names(address, folder, run):
    def fill():
        with BlockingClient(address) as client:
            pages = [Document("https://x.org/a/b.md", b"x"), Document("c.md", b"y", id="one")]
            list(client.retrieval.ingest("default", pages))

    await asyncio.to_thread(fill)
    code, out, _ = await run("documents", "list", "https://x.org/a", "c.md", "--server", address)
    assert (code, out.splitlines()) == (0, ["     1  https://x.org/a/b.md", "     1  c.md (one)"])
    arguments = ("https://x.org", "c.md", "--yes", "--server", address)
    _, out, _ = await run("documents", "delete", *arguments)
    assert out == "deleted 2 documents\n"
    assert len(await stored(address, folder, run)) == 5
