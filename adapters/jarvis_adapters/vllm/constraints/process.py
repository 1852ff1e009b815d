"""The server's handle on the process that compiles constraints."""

import asyncio
import os
import socket
import subprocess
import sys
import time
from contextlib import suppress
from typing import Self

START = 120.0
"""Seconds that the process has to prepare."""


class WorkerProcess:
    """A process that compiles constraints; see `worker`."""

    def __init__(self, process: subprocess.Popen[bytes], control: socket.socket) -> None:
        self._process = process
        self._control = control
        self._heard = time.monotonic()

    @classmethod
    async def started(cls, prepare: bytes) -> Self | None:
        """Start a process and have it prepare; return None if it does not get that far."""
        ours, theirs = socket.socketpair()
        ours.settimeout(0)
        ready = b""
        try:
            with theirs:
                # Not by the event loop: uvloop forks with gRPC's handlers, which sometimes crash it.
                worker = cls(await asyncio.to_thread(_started, theirs), ours)
        except OSError:
            ours.close()
            return None
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(START):
                    ready = await worker.exchange(prepare)
        finally:
            if not ready:
                await worker.end()
        return worker if ready else None

    def is_running(self) -> bool:
        """Return whether the process has neither ended nor been told to end; it may still hang."""
        return self._control.fileno() >= 0 and self._process.poll() is None

    def silent_seconds(self) -> float:
        """Return the number of seconds since the process was last heard from."""
        return time.monotonic() - self._heard

    async def exchange(self, sent: bytes) -> bytes:
        """Send a message over a new connection, and return the answer; it is empty if the process died."""
        with suppress(OSError):
            ours, theirs = socket.socketpair()
            reader, writer = await asyncio.open_connection(sock=ours)
            try:
                with theirs:
                    socket.send_fds(self._control, [b"\0"], [theirs.fileno()])
                writer.write(sent)
                writer.write_eof()
                if begun := await reader.read(1):
                    self._heard = time.monotonic()
                    return begun + await reader.read()
            finally:
                writer.close()
        return b""

    async def end(self) -> None:
        """End the process, whatever it is doing. Further calls do nothing more."""
        self._control.close()
        self._process.kill()
        await asyncio.to_thread(self._process.wait)


def _started(control: socket.socket) -> subprocess.Popen[bytes]:
    command = (sys.executable, "-m", f"{__package__}.worker")
    return subprocess.Popen(  # noqa: S603 - our own module
        command, env={**os.environ}, stdin=control.fileno(), start_new_session=True
    )
