"""What is printed of an ingestion."""

import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from jarvis.cli.progress import bar

if TYPE_CHECKING:
    from jarvis.client import IngestedDocument, IngestFinished


class Report:
    """Prints what becomes of documents: as JSON, or on a terminal a bar, failures and notes, or what changed.

    Args:
        total: how many there are.
        problems: why a document cannot be read here, by its source; filled while they are sent.
        as_json: print everything, as JSON.
        dry_run: nothing is stored.
    """

    def __init__(self, total: int, problems: Mapping[str, str], *, as_json: bool, dry_run: bool) -> None:
        self.counts: Counter[str] = Counter()
        self._total = total
        self._problems = problems
        self._as_json = as_json
        self._dry_run = dry_run

    def fail(self, source: str, message: str) -> None:
        """Tell of what cannot even be sent."""
        self._print({"source": source, "outcome": "failed", "message": message})

    def follow(self, results: "Iterable[IngestedDocument | IngestFinished]") -> "IngestFinished | None":
        """Print each result as it comes.

        A failure or Ctrl-C in between is told what is stored, and raised.
        """
        from jarvis.client import IngestFinished, JarvisClientError  # noqa: PLC0415

        finished = None
        with bar("ingesting", hidden=self._as_json) as show:
            try:
                show(0, self._total)
                for result in results:
                    if isinstance(result, IngestFinished):
                        finished = result
                        continue
                    message = self._problems.get(result.source, result.message)
                    self._print({**asdict(result), "message": message})
                    if result.outcome != "pruned":
                        show(self.counts.total() - self.counts["pruned"], self._total)
            except (KeyboardInterrupt, JarvisClientError):
                done = sum(self.counts[outcome] for outcome in ("added", "changed", "unchanged"))
                typer.echo(
                    f"jarvis: {done} documents are stored; the same command goes on after them", err=True
                )
                raise
        return finished

    def _print(self, result: dict[str, Any]) -> None:
        outcome = result["outcome"]
        self.counts[outcome] += 1
        if self._as_json:
            typer.echo(json.dumps(result, ensure_ascii=False))
        elif outcome == "failed":
            source = result["source"]
            typer.echo(f"failed {source}: {result['message'].removeprefix(source).lstrip(': ')}")
        elif outcome != "unchanged" and (result.get("notes") or not sys.stdout.isatty()):
            notes = "; ".join(result.get("notes", ()))
            typer.echo(f"{outcome} {result['source']}{f' ({notes})' if notes else ''}")

    def finish(self, finished: "IngestFinished | None", skipped: int) -> None:
        """Print the sums."""
        if self._as_json:
            sums = {**asdict(finished), "failed": self.counts["failed"]} if finished else {}
            typer.echo(json.dumps({"finished": {**sums, "skipped": skipped}}))
            return
        outcomes = ("added", "changed", "unchanged", "failed", "pruned")
        parts = [f"{self.counts[outcome]} {outcome}" for outcome in outcomes]
        if skipped:
            parts.append(f"{skipped} of unknown kinds skipped")
        chunks = f"{finished.chunks} chunks, {finished.embedded} of them embedded" if finished else ""
        typer.echo(f"{'would be: ' if self._dry_run else ''}{', '.join(parts)}; {chunks}")
