"""Prints what becomes of an ingestion."""

import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from jarvis.cli.output import echo, print_json
from jarvis.cli.progress import bar
from jarvis.cli.walk import Listing

if TYPE_CHECKING:
    from jarvis.client import IngestedDocument, IngestFinished

SUMMED = ("added", "changed", "unchanged", "moved", "empty", "failed", "pruned")


class Report:
    """Prints what becomes of documents: as JSON, as a bar with failures and notes, or as a list of changes.

    Args:
        listing: the files that are sent, and what is not sent.
        as_json: print everything, as JSON.
        dry_run: nothing is stored.
    """

    def __init__(self, listing: Listing, *, as_json: bool, dry_run: bool) -> None:
        self.counts: Counter[str] = Counter()
        self.same: dict[str, tuple[str, ...]] = {}
        """The ids of other documents with the same content, by the id of a document that was sent."""
        self.ids: set[str] = set()
        """The ids of the documents that were sent; `Gone` adds those of files that were moved."""
        self.added: set[str] = set()
        """The ids of the documents that were not stored before."""
        self._listing = listing
        self._as_json = as_json
        self._dry_run = dry_run
        kinds = sorted(listing.skipped.items(), key=lambda one: (one[1], one[0]))
        for path, kind in kinds:
            self.tell(path, "skipped", kind)
        for path, why in listing.failures.items():
            self.tell(path, "failed", why)

    def follow(self, results: "Iterable[IngestedDocument | IngestFinished]") -> "IngestFinished | None":
        """Print each result as it comes, and return the final `IngestFinished`, if it came.

        On a failure or Ctrl-C, print how many documents are stored, and raise it again.
        """
        from jarvis.client import IngestFinished, JarvisClientError  # noqa: PLC0415

        finished = None
        total = len(self._listing.files)
        with bar("ingesting", hidden=self._as_json) as show:
            try:
                show(0, total)
                for result in results:
                    if isinstance(result, IngestFinished):
                        finished = result
                        continue
                    self.ids.add(result.id)
                    if result.outcome == "added":
                        self.added.add(result.id)
                    if result.same_as:
                        self.same[result.id] = result.same_as
                    self._print(asdict(result))
                    show(len(self.ids), total)
            except (KeyboardInterrupt, JarvisClientError):
                done = sum(self.counts[outcome] for outcome in ("added", "changed", "unchanged", "empty"))
                if done:
                    echo(
                        f"jarvis: {done} documents are stored; the same command goes on after them", err=True
                    )
                raise
        return finished

    def would_make(self, collection: str) -> None:
        """Print what would be done where the collection does not exist yet."""
        sent, failed, skipped = len(self._listing.files), self.counts["failed"], self.counts["skipped"]
        if self._as_json:
            sums = {"sent": sent, "pruned": 0, "failed": failed, "skipped": skipped}
            print_json({"finished": {"would_make": collection, **sums}}, indent=None)
            return
        echo(
            f"would be: collection {collection!r} made, {sent} documents sent to it, 0 pruned; "
            f"{failed} failed, {skipped} skipped"
        )

    def tell(self, source: str, outcome: str, message: str = "") -> None:
        """Print what became of a file or a document that the server does not report."""
        self._print({"source": source, "outcome": outcome, "message": message})

    def _print(self, result: dict[str, Any]) -> None:
        outcome, source = result["outcome"], result["source"]
        self.counts[outcome] += 1
        if self._as_json:
            print_json(result, indent=None)
        elif outcome in {"failed", "moved", "skipped"}:
            echo(f"{outcome} {source}: {result['message'].removeprefix(source).lstrip(': ')}")
        elif outcome != "unchanged" and (result.get("notes") or not sys.stdout.isatty()):
            notes = "; ".join(result.get("notes", ()))
            echo(f"{outcome} {source}{f' ({notes})' if notes else ''}")

    def finish(self, finished: "IngestFinished | None") -> None:
        """Print the totals."""
        skipped, kinds = self.counts["skipped"], self._listing.kinds()
        sums = {outcome: self.counts[outcome] for outcome in SUMMED}
        if self._as_json:
            told = {**(asdict(finished) if finished else {}), **sums, "skipped": skipped}
            print_json({"finished": {**told, "skipped_kinds": dict(kinds)}}, indent=None)
            return
        parts = [
            f"{count} {outcome}"
            for outcome, count in sums.items()
            if count or outcome not in {"moved", "empty"}
        ]
        if skipped:
            parts.append(
                f"{skipped} skipped ({', '.join(f'{count} {kind}' for kind, count in kinds.items())})"
            )
        chunks = f"{finished.chunks} chunks, {finished.embedded} of them embedded" if finished else ""
        echo(f"{'would be: ' if self._dry_run else ''}{', '.join(parts)}; {chunks}")
