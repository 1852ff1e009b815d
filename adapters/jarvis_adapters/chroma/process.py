"""Runs the embedded Chroma in its own process.

Chroma's bindings hold the GIL for as long as a write takes (40 ms for 20 rows of 900 characters and 384
components). In the server's process, that would stop everything else, such as streams of tokens.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, Concatenate, ParamSpec, TypeVar

from jarvis_adapters.chroma.damage import REMEDY
from jarvis_adapters.chroma.engine import Engine
from jarvis_ports.errors import StoreFailure, StoreUnavailable, StoreUnusable

P = ParamSpec("P")
T = TypeVar("T")

PROBE = 2**20
"""The number of bytes that `EngineProcess.probe` writes."""
WRITE_SECONDS = 20.0
"""The most seconds that a write of some rows may take: Chroma has hung on a full disk."""
SPARE_SECONDS = 1.0
"""Seconds that the server waits beyond the child's own time limit, which a stopped child cannot enforce."""
STOP_SECONDS = WRITE_SECONDS + 10.0
"""The most seconds that the child may take to end."""
CRASHES = {signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGALRM}
"""What ends a process that reads a damaged index, or never comes to its end."""
ROWS = {Engine.upsert, Engine.delete}
WRITES = {*ROWS, Engine.create, Engine.begin, Engine.swap}


class EngineProcess:
    """An `Engine` on a folder, in a child that ends with this process. One thread at a time may call it.

    After a failed write, Chroma sometimes hangs in the next one. The next write therefore gets a new child,
    once the folder can be written again; until then the old child answers reads.

    Args:
        folder: where the data is.
        hang_seconds: the most seconds that a call may take; a child that takes longer is killed.
    """

    def __init__(self, folder: str, hang_seconds: float) -> None:
        self._folder = folder
        self._hang_seconds = hang_seconds
        self._child: subprocess.Popen[bytes] | None = None
        self._pipe: Connection | None = None
        self._failed = False

    def start(self) -> None:
        """Start the child, which opens and locks the folder.

        Raises:
            StoreUnusable: the child cannot open or lock the folder, or it exited.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-P", "-m", "jarvis_adapters.chroma.child"]
            self._child = subprocess.Popen(  # noqa: S603 - our own program
                [*command, str(theirs.fileno()), self._folder, str(os.getpid())],
                env={**os.environ},
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the server, which ends the child
            )
        self._pipe = Connection(ours.detach())
        try:
            self._answer()
        except (EOFError, OSError):
            msg = f"{self._folder}: the process that runs Chroma ended with code {self.stop()} at its start"
            raise StoreUnusable(msg) from None
        except StoreUnusable:
            self.stop()
            raise

    def call(self, method: Callable[Concatenate[Engine, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a method of the engine; what it raises is raised here.

        Raises:
            StoreUnavailable: the child exited or hung; the next call starts it again.
        """
        seconds = min(self._hang_seconds, WRITE_SECONDS) if method in ROWS else self._hang_seconds
        if self._failed and method in WRITES:
            self._renew()
        if self._child is not None and self._child.poll() is not None:
            self.stop()  # it exited between two calls, so nothing is lost
        if self._pipe is None:
            self._restart()
        try:
            self._connection().send((method.__name__, args, kwargs, seconds))
            self._wait_for_answer(seconds + SPARE_SECONDS)
            result: T = self._answer()
        except (EOFError, OSError):
            code = self.stop()
            msg = f"the process that runs Chroma ended with code {code}; the next call starts it again"
            if -code in CRASHES:
                msg += f"; where each call ends so, its files are damaged: {REMEDY}"
            raise StoreUnavailable(msg) from None
        except StoreFailure:
            self._failed = self._failed or method in WRITES
            raise
        return result

    def stop(self) -> int:
        """End the child once it has finished its current call, and return its exit code.

        One that does not end, as it was stopped, say, is killed; it has nothing left to write.
        """
        self._failed = False
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None
        if self._child is None:
            return 0
        with suppress(subprocess.TimeoutExpired):
            return self._child.wait(STOP_SECONDS)
        self._child.kill()
        return self._child.wait()

    def probe(self) -> None:
        """Write as many bytes to the folder as a write of some rows takes.

        Raises:
            OSError: the folder cannot be written.
        """
        with tempfile.NamedTemporaryFile(dir=self._folder, prefix="probe-") as file:
            file.write(bytes(PROBE))
            file.flush()
            os.fsync(file.fileno())

    def _renew(self) -> None:
        try:
            self.probe()
        except OSError as error:
            msg = f"{self._folder}: cannot be written: {error.strerror}"
            raise StoreFailure(msg) from None
        self.stop()

    def _restart(self) -> None:
        try:
            self.start()
        except StoreUnusable as error:
            raise StoreUnavailable(str(error)) from None

    def _connection(self) -> Connection:
        if self._pipe is None:
            raise EOFError
        return self._pipe

    def _wait_for_answer(self, seconds: float) -> None:
        """Wait, and kill the child if no answer comes; a pause of the machine counts as 1 s at most."""
        for _ in range(round(seconds)):
            if self._connection().poll(1):
                return
        if self._child is not None:
            self._child.kill()

    def _answer(self) -> Any:  # noqa: ANN401 - typed by `call`
        ok, answer = self._connection().recv()
        if ok:
            return answer
        raise answer
