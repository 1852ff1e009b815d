"""The program that runs the embedded Chroma; see `jarvis_adapters.chroma.process`."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil

from jarvis_adapters.chroma.damage import check
from jarvis_adapters.chroma.errors import describe, disk_is_full, translate
from jarvis_adapters.chroma.leftovers import sweep
from jarvis_ports.errors import JarvisError, StoreUnusable
from jarvis_toolkit.folders import HOLDER, changing, locked

LEFT_BEHIND_SECONDS = 10.0
"""Seconds to wait for the child of a killed server to exit."""


def main(fd: int, folder: Path, server: int) -> None:
    """Answer calls until the server closes its end of the socket, or is gone."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the server itself ends this process
    with Connection(fd) as server_end:
        try:
            with opened(folder, server) as engine:
                server_end.send((True, None))
                while True:
                    name, args, kwargs, seconds = server_end.recv()
                    # Nothing handles the alarm, so it ends a process that hangs, even if the server is gone.
                    signal.setitimer(signal.ITIMER_REAL, seconds)
                    try:
                        with changing(folder):
                            answer = True, getattr(engine, name)(*args, **kwargs)
                    except BaseException as error:  # noqa: BLE001 - a panic of Chroma's is no Exception
                        answer = False, translate(error, folder)
                    signal.setitimer(signal.ITIMER_REAL, 0)
                    server_end.send(answer)
        except StoreUnusable as error:
            server_end.send((False, error))
        except (EOFError, BrokenPipeError, ConnectionResetError):
            return


@contextmanager
def opened(folder: Path, server: int) -> Iterator[object]:
    """Open the Chroma in a folder, which is locked for this process, in the server's name.

    Raises:
        StoreUnusable: the folder is locked by another process, is damaged, or cannot be written.
    """
    with ExitStack() as stack:
        _lock(stack, folder, server)
        # Imported under the lock: that takes a second, and another server must be refused immediately.
        import chromadb  # noqa: PLC0415
        from chromadb.config import Settings  # noqa: PLC0415

        from jarvis_adapters.chroma.engine import Engine  # noqa: PLC0415

        try:
            with changing(folder):
                check(folder)
                client = chromadb.PersistentClient(str(folder), settings=Settings(anonymized_telemetry=False))
                stack.callback(_close, client, folder)
                engine = Engine(client, partial(sweep, folder))
                engine.recover(alone=True)
                sweep(folder)
        except JarvisError:
            raise
        except BaseException as error:
            full = disk_is_full(folder)
            todo = "its disk is full: free some space" if full else "restore it, or configure another folder"
            msg = f"{folder}: Chroma cannot open it: {describe(error)}; {todo}"
            raise StoreUnusable(msg) from error
        yield engine


def _close(client: Any, folder: Path) -> None:  # noqa: ANN401 - chromadb is imported late
    with changing(folder):
        client.close()


def _lock(stack: ExitStack, folder: Path, server: int) -> None:
    """Lock a folder; if its holder is gone, wait for the child of that server to finish its last write."""
    give_up = time.monotonic() + LEFT_BEHIND_SECONDS
    while True:
        try:
            stack.enter_context(locked(folder, server))
        except StoreUnusable:
            if time.monotonic() > give_up or not _holder_is_gone(folder):
                raise
            time.sleep(0.1)
        else:
            return


def _holder_is_gone(folder: Path) -> bool:
    try:
        return not psutil.pid_exists(int((folder / HOLDER).read_text()))
    except (OSError, ValueError):
        return False


if __name__ == "__main__":
    os.umask(0o077)
    main(int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
