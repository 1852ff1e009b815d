"""Deletes the files of indices whose collections are gone: Chroma itself leaves them where they are.

https://github.com/chroma-core/chroma/issues/5259
"""

import logging
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from uuid import UUID

from jarvis_adapters.chroma.damage import DATABASE
from jarvis_adapters.chroma.errors import describe

logger = logging.getLogger(__name__)


def sweep(folder: Path) -> None:
    """Delete the folders of indices that Chroma's database does not know; log what prevents it."""
    try:
        database = f"{(folder / DATABASE).absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(database, uri=True)) as opened:
            known = {id_ for (id_,) in opened.execute("SELECT id FROM segments")}
        for header in folder.glob("*/header.bin"):
            if _is_index(header.parent.name) and header.parent.name not in known:
                shutil.rmtree(header.parent)
    except (OSError, sqlite3.Error) as error:
        logger.warning("files of deleted collections stay in %s: %s", folder, describe(error))


def _is_index(name: str) -> bool:
    try:
        return str(UUID(name)) == name
    except ValueError:
        return False
