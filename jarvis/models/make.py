"""Makes a model's folder in a temporary place, and renames it when it is complete.

A process of its own (`jarvis.models.worker`) does the work: unpacking imports torch and transformers, which
would stay in the server's memory and block its event loop, and neither unpacking nor a download can be
stopped in a thread.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from filelock import FileLock, Timeout

from jarvis.models import cache
from jarvis.models.references import Progress
from jarvis_ports.errors import ModelUnavailable


def make(reference: str, progress: Progress) -> Path:
    """Make the folder of a model, unless another process makes it first, and return it.

    What a killed process left of the same model is removed.

    Raises:
        ModelUnavailable: with one line that says what to do.
    """
    name = quote(reference, safe="")
    target = cache.folder(reference)
    aside = cache.root() / ".partial" / name
    try:
        with _locked(cache.root() / ".locks" / f"{name}.lock", progress):
            if not cache.ready(reference):
                shutil.rmtree(aside, ignore_errors=True)
                aside.mkdir(parents=True)
                try:
                    # A new name each time: the worker of a killed process may still write for a moment.
                    folder = Path(tempfile.mkdtemp(dir=aside)) / "model"
                    folder.mkdir()
                    _work(reference, folder, progress)
                    shutil.rmtree(target, ignore_errors=True)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    folder.rename(target)
                finally:
                    shutil.rmtree(aside, ignore_errors=True)
    except OSError as error:
        msg = (
            f"{reference}: cannot write {error.filename or target}: {error.strerror}; or set JARVIS_CACHE_DIR"
        )
        raise ModelUnavailable(msg) from None
    return target


@contextmanager
def _locked(path: Path, progress: Progress) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    while True:
        try:
            lock.acquire(timeout=0.5)
            break
        except Timeout:
            progress("waiting for another process that makes it", None)
    try:
        yield
    finally:
        lock.release()


def _work(reference: str, folder: Path, progress: Progress) -> None:
    command = [sys.executable, "-P", "-m", "jarvis.models.worker", reference, str(folder)]
    error = None
    with (
        tempfile.TemporaryFile("w+", errors="replace") as log,
        subprocess.Popen(  # noqa: S603 - this interpreter, no shell
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**os.environ},
        ) as worker,
    ):
        try:
            for line in worker.stdout or ():
                report = json.loads(line)
                if error := report.get("error"):
                    break
                progress(report["step"], report["done"])
            else:
                status = worker.wait()
        finally:
            worker.kill()
        if error is None and status:
            log.seek(0)
            error = (log.read().strip().splitlines() or ["no message"])[-1]
            error = f"the process that makes it ended with status {status}: {error}"
    if error:
        msg = f"{reference}: {error}"
        raise ModelUnavailable(msg)
