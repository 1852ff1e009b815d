"""Keeps what a benchmark has found so far."""

import json
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self


class Found:
    """Findings, by part. Each is printed as it comes, and the file is rewritten with all findings so far.

    The tables are shown at the end of the block, even if Ctrl-C, SIGTERM or an error ends it: they then show
    what was found until that point.

    Args:
        file: the file to which findings are written as JSON, together with `about`; None writes none.
        show: prints the tables; any finding may be missing.
        about: what is measured.
    """

    def __init__(self, file: Path | None, show: Callable[["Found"], object], **about: object) -> None:
        self._file = file
        self._show = show
        self.about = about
        self._parts: dict[str, list[Any]] = {}

    def add(self, part: str, finding: Any) -> None:  # noqa: ANN401 - a dataclass of any kind
        """Keep and print a finding."""
        self._parts.setdefault(part, []).append(finding)
        self.save()
        print(f"{part}: {_line(asdict(finding))}", flush=True)

    def of(self, part: str) -> list[Any]:
        """Return the findings of a part."""
        return self._parts.get(part, [])

    def save(self) -> None:
        """Write the file atomically, if there is one."""
        if self._file:
            found = {part: [asdict(one) for one in findings] for part, findings in self._parts.items()}
            beside = self._file.with_name(f"{self._file.name}.part")
            beside.write_text(json.dumps({**self.about, "found": found}, indent=2) + "\n", encoding="utf-8")
            beside.replace(self._file)

    def __enter__(self) -> Self:
        for one in (signal.SIGINT, signal.SIGTERM):  # the first is ignored in what a script begins with "&"
            signal.signal(one, signal.default_int_handler)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind:
            print("ended early; what was found until then:", file=sys.stderr)
        self._show(self)
        if kind is KeyboardInterrupt:
            sys.exit(130)


def _line(finding: Mapping[str, object]) -> str:
    """Return a finding as one line; show only the number of values that were measured many times."""
    shown = {
        name: f"{value:.5g}" if isinstance(value, float) else value
        for name, value in finding.items()
        if not isinstance(value, dict)
    }
    return ", ".join(
        f"{name} {len(value)} times" if isinstance(value, list | tuple) else f"{name} {value}"
        for name, value in shown.items()
    )
