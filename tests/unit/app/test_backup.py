"""Where a configuration has its data."""

from jarvis.app.backup import places
from jarvis.app.config import load
from jarvis.backup import restore, take


def test_a_store_behind_a_link_is_restored_to_where_that_leads(tmp_path):
    disk, link = tmp_path / "disk" / "chroma", tmp_path / "data" / "chroma"
    disk.mkdir(parents=True)
    (disk / "rows").write_text("before")
    link.parent.mkdir()
    link.symlink_to(disk)
    sets = ["store.adapter=chroma", f'store.settings.path="{link}"', 'limits.usage=":memory:"']
    found = places(load(None, [*sets, f'retrieval.text_index="{tmp_path}/texts"'], {}))
    take(found, tmp_path / "backup", lambda *_: None)
    (disk / "rows").write_text("after")
    restore(tmp_path / "backup", found, lambda *_: None)
    assert link.readlink() == disk
    assert (disk / "rows").read_text() == "before"
    assert [file.name for file in disk.parent.iterdir()] == ["chroma"]
