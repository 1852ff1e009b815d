import pytest

from jarvis.usage import SQLiteLedger


@pytest.fixture
def sets(tmp_path):
    settings = ("store.adapter=memory", f'limits.usage="{tmp_path}/usage.sqlite"')
    return [part for setting in settings for part in ("--set", setting)]


async def test_of_a_store_elsewhere_the_usage_is_backed_up_and_the_rest_told(run, sets, tmp_path):
    with SQLiteLedger(tmp_path / "usage.sqlite").running():
        pass
    code, out, err = await run("backup", str(tmp_path / "backup"), *sets)
    assert (code, out) == (0, f"made {tmp_path}/backup\n")
    assert "the store memory keeps its data elsewhere: back it up there" in err
    code, out, _ = await run("restore", str(tmp_path / "backup"), "--dry-run", *sets)
    assert (code, out) == (0, f"would restore usage to {tmp_path}/usage.sqlite, replacing 1 file\n")
    code, out, err = await run("restore", str(tmp_path / "backup"), *sets)
    assert (code, out) == (2, "")
    assert "--dry-run tells what --force replaces" in err


async def test_a_backup_of_that_name_is_there_already(run, sets, tmp_path):
    code, _, err = await run("backup", str(tmp_path), *sets)
    assert code == 2
    assert err.endswith(f"jarvis: {tmp_path} is there already: delete it, or choose another name\n")


async def test_a_folder_that_is_not_mounted_is_not_made(run, sets, tmp_path):
    with SQLiteLedger(tmp_path / "usage.sqlite").running():
        pass
    code, _, err = await run("backup", str(tmp_path / "backups/monday"), *sets)
    assert code == 2
    told = f"jarvis: there is no folder {tmp_path}/backups: make it first, or mount what it is to be on\n"
    assert err.endswith(told)
    assert not (tmp_path / "backups").exists()


async def test_what_is_no_backup_is_told_in_one_line(run, sets, tmp_path):
    code, _, err = await run("restore", str(tmp_path), *sets)
    assert (code, err) == (2, f"jarvis: {tmp_path} is no backup: it has no backup.json\n")
