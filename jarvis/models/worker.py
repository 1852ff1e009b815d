"""Makes one model folder: `python -m jarvis.models.worker REFERENCE FOLDER`.

It writes lines of JSON to standard output: twice a second `{"step": …, "done": …}`, and `{"error": …}` if it
fails. It exits when its standard input is closed, and so also when the process that started it is killed.
"""

import errno
import json
import os
import select
import sys
from pathlib import Path
from threading import Thread
from typing import TextIO

from jarvis.models import cache
from jarvis.models.catalogue import CatalogueModel
from jarvis.models.references import parse
from jarvis.models.work import Work
from jarvis_ports.errors import ModelUnavailable


def main() -> int:
    """Make the folder; return the exit status."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print must not mix with the reports
    work = Work(Path(sys.argv[2]))
    Thread(target=_report, args=(work, out), daemon=True).start()
    try:
        _make(sys.argv[1], work)
    except ModelUnavailable as error:
        message = str(error)
    except Exception as error:  # noqa: BLE001 - whatever goes wrong is told in one line
        message = _explain(error)
    else:
        return 0
    _write(out, {"error": message})
    return 1


def _make(reference: str, work: Work) -> None:
    model = parse(reference)
    if isinstance(model, CatalogueModel):
        from jarvis.models.unpack import unpack  # noqa: PLC0415 - only one of the two is needed, and installed

        unpack(model, work)
    elif not isinstance(model, Path):
        from jarvis.models.download import download  # noqa: PLC0415 - likewise

        download(model, work)


def _explain(error: Exception) -> str:
    if getattr(error, "errno", None) == errno.ENOSPC or "No space left" in str(error):
        return f"no space left on the disk of {cache.root()}: free some, or set JARVIS_CACHE_DIR"
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"


def _report(work: Work, out: TextIO) -> None:
    while not select.select([sys.stdin], [], [], 0.5)[0]:
        _write(out, {"step": work.step, "done": work.done})
    os._exit(1)


def _write(out: TextIO, report: dict[str, object]) -> None:
    out.write(json.dumps(report) + "\n")  # one write per line, as two threads report
    out.flush()


if __name__ == "__main__":
    sys.exit(main())
