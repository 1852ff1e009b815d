"""Deletes what is stored of files that are gone from their folders: moved files, and those to prune."""

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
"""The most documents that are deleted in one call."""


@dataclass(frozen=True)
class Gone:
    """Deletes the documents of files that are gone.

    Attributes:
        client: the client of the server.
        collection: the collection's name.
        folders: the folders that were ingested.
        report: what was sent, and what became of it; what is deleted is added to it.
        dry_run: only report what would be deleted.
    """

    client: "BlockingClient"
    collection: str
    folders: Sequence[str]
    report: Report
    dry_run: bool

    def delete_moved(self) -> None:
        """Delete the documents of files that were moved: they are gone, and a sent file has their content."""
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
        """Delete the documents below the folders that match `include`, and were neither sent nor moved.

        If that is more than half of what was stored below a folder, ask first: an unmounted disk looks like
        an empty folder.

        Args:
            include: the glob patterns of the ingestion; without any, all documents match.
            agreed: do not ask.

        Returns:
            Whether the user agreed, or need not be asked.
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
