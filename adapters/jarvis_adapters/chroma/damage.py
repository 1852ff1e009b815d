"""Looks for damage that Chroma does not see when it opens a folder: it would find too little, or crash."""

import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from jarvis_ports.errors import StoreUnusable

DATABASE = "chroma.sqlite3"
REMEDY = "stop the server, and restore a backup: jarvis restore"
PERSISTED = """
SELECT id FROM segments JOIN max_seq_id ON segment_id = id
WHERE type = 'urn:chroma:segment/vector/hnsw-local-persisted'
"""
"""The indices of which Chroma has put something on the disk, and off its log."""
HEADER = struct.Struct("<i4Q")
"""What `header.bin` begins with: version, offset, capacity, number of vectors, and bytes of each."""
HEADER_VERSION = 1
LENGTH_BYTES = 4
"""The bytes of each vector in `length.bin`."""


def check(folder: Path) -> None:
    """Check the database, which is read as a whole, and the sizes of the files of each index.

    Raises:
        StoreUnusable: something is damaged or missing.
    """
    database = folder / DATABASE
    if not database.exists() or not database.stat().st_size:
        if any(folder.glob("*/header.bin")):
            raise StoreUnusable(f"{database} is missing or empty, and there are indices beside it; {REMEDY}")
        return
    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=rw", uri=True)) as opened:
            (found,) = opened.execute("PRAGMA quick_check(1)").fetchone()
            tables = {name for (name,) in opened.execute("SELECT name FROM sqlite_master")}
            known = found == "ok" and tables >= {"segments", "max_seq_id"}
            indices = [id_ for (id_,) in opened.execute(PERSISTED)] if known else []
    except sqlite3.DatabaseError as error:
        found, indices = str(error), []
    if found != "ok":
        raise StoreUnusable(f"{database} is damaged: {found.splitlines()[-1]}; {REMEDY}")
    for index in indices:
        for file in _damaged(folder / index):
            raise StoreUnusable(f"{file} is damaged or missing; {REMEDY}")


def _damaged(index: Path) -> Iterator[Path]:
    header = index / "header.bin"
    needed = (header, *(index / f"{name}.bin" for name in ("data_level0", "length", "link_lists")))
    yield from (file for file in needed if not file.exists())
    if not (pickle := index / "index_metadata.pickle").exists() or not pickle.stat().st_size:
        yield pickle
    try:
        version, _, _, count, size = HEADER.unpack_from(header.read_bytes())
    except struct.error:
        yield header
        return
    if version == HEADER_VERSION:
        sizes = {"data_level0": count * size, "length": count * LENGTH_BYTES}
        yield from (
            index / f"{name}.bin"
            for name, wanted in sizes.items()
            if (index / f"{name}.bin").stat().st_size != wanted
        )
