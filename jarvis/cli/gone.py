"""What is stored of files that are gone from their folders: they were moved, or are pruned."""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jarvis.cli.ingest_report import Report
from jarvis.cli.output import confirmed, echo
from jarvis.cli.walk import beginning, is_included

if TYPE_CHECKING:
    from jarvis.client import BlockingClient

DELETED_AT_ONCE = 100
"""Documents that are deleted in one call."""


@dataclass(frozen=True)
class Gone:
    """Deletes what is stored of files that are gone.

    Attributes:
        client: of the server.
        collection: the collection's name.
        folders: the folders that were ingested.
        report: what was sent, and what became of it; it is told what is deleted.
        dry_run: only tell.
    """

    client: "BlockingClient"
    collection: str
    folders: Sequence[str]
    report: Report
    dry_run: bool

    def delete_moved(self) -> None:
        """Delete the old places of files: another file of the folders has their content now."""
        below = tuple(map(beginning, self.folders))
        found: dict[str, str] = {}
        for new, others in self.report.same.items():
            for old in others:
                is_ours = old.startswith(below) and old not in self.report.ids
                if is_ours and old not in found and not os.path.lexists(old):
                    found[old] = new
                    break
        self._delete({old: old for old in found}, "moved", {old: f"to {new}" for old, new in found.items()})
        self.report.ids.update(found)

    def prune(self, include: Sequence[str], *, agreed: bool) -> bool:
        """Delete the documents below the folders that were neither sent nor moved, of those to be included.

        Where that is everything that was stored below a folder, or more than half, it is asked for: an
        unmounted disk looks like an empty folder.

        Args:
            include: the patterns of the ingestion.
            agreed: do not ask.

        Returns:
            Whether it was agreed to.
        """
        doomed: dict[str, str] = {}
        much = []
        for folder in self.folders:
            listed = self.client.retrieval.documents(self.collection, [beginning(folder)])
            stored = [one for one in listed if is_included(one.source, include)]
            before = sum(one.id not in self.report.added for one in stored)
            gone = {one.id: one.source for one in stored if one.id not in self.report.ids}
            doomed |= gone
            if 2 * len(gone) > before:
                share = "all" if len(gone) == before else f"{len(gone)} of the"
                much.append(f"{share} {before} documents that were stored below {folder}")
        if much and not agreed and not _asked(f"this would remove {', and '.join(much)}"):
            return False
        self._delete(doomed, "pruned")
        return True

    def _delete(
        self, sources: Mapping[str, str], outcome: str, told: Mapping[str, str] | None = None
    ) -> None:
        ids = list(sources)
        for start in range(0, len(ids), DELETED_AT_ONCE):
            page = ids[start : start + DELETED_AT_ONCE]
            if not self.dry_run:
                self.client.retrieval.delete_documents(self.collection, page)
            for id_ in page:
                self.report.tell(sources[id_], outcome, (told or {}).get(id_, ""))


def _asked(what: str) -> bool:
    if sys.stdin.isatty() and confirmed(f"jarvis: {what}. Is that meant?"):
        return True
    echo(f"jarvis: nothing is pruned: {what}; --yes does it without asking", err=True)
    return False
