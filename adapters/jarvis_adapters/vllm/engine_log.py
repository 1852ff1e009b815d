"""Brings what an engine's processes log and print to the loggers of the server's process.

There it passes through the same queue, format and rotation as the server's own log. It arrives over a socket
in the engine's folder: log records as JSON, and output of C++ code, progress bars or a dying interpreter as
it is.
"""

import contextlib
import json
import logging
import os
import re
import selectors
import socket
import struct
import sys
import threading
from logging.handlers import SocketHandler
from pathlib import Path

from jarvis_adapters.vllm_plugin import SERVER_PID

RECORD = b"\x1e"
"""The byte that begins a line with a record, as in JSON text sequences (RFC 7464)."""

BAR_END = re.compile(rb"[%\]]\s*$")
"""The end of a whole progress bar: what a dying process prints may follow the half of one."""

output = logging.getLogger("vllm.output")
"""The logger of what the engine's processes print."""


def configure(path: str, failures: str, threshold: int) -> logging.Handler:
    """Send the log of this process to the server's loggers, and vLLM's errors to a file as well.

    vLLM calls this in the engine's processes as they start, and in the server's process, which does not need
    it. What an engine's process writes earlier, while it imports vLLM, goes to the server's standard error.
    """
    here = str(os.getpid())
    if os.environ.get(SERVER_PID, here) == here:
        # vLLM's factory adds a field to every record of this process; `_factory` is the one it replaced.
        factory = logging.getLogRecordFactory()
        logging.setLogRecordFactory(getattr(factory, "_factory", factory))
        return logging.NullHandler()
    errors = logging.FileHandler(failures, delay=True)
    errors.setLevel(logging.ERROR)
    errors.setFormatter(logging.Formatter("%(message)s"))
    errors.addFilter(logging.Filter("vllm"))
    sender = LogSender(path, None)
    logging.basicConfig(handlers=[errors, sender], level=threshold, force=True)
    logging.captureWarnings(capture=True)
    _send_output(path)
    return sender


def _send_output(path: str) -> None:
    """Redirect standard output and standard error to the server."""
    with socket.socket(socket.AF_UNIX) as connection, contextlib.suppress(OSError):
        connection.connect(path)
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
            os.dup2(connection.fileno(), stream.fileno())
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]


class LogSender(SocketHandler):
    """Sends records as JSON; without a server they are lost, and nothing waits for a server."""

    def makePickle(self, record: logging.LogRecord) -> bytes:  # noqa: N802 - the library's name
        """Encode a record; its exception is sent as text."""
        if record.exc_info:
            self.format(record)  # this stores the text in the record
        fields = {**record.__dict__, "msg": record.getMessage(), "args": None, "exc_info": None}
        fields.pop("message", None)
        fields["process_name"] = fields.pop("vllm_process_name", record.processName)
        fields["pid"] = record.process
        return RECORD + json.dumps(fields, default=str).encode() + b"\n"


class LogReceiver(threading.Thread):
    """Passes what comes over a socket on to this process's loggers.

    Args:
        path: the socket, in a folder that only this user can enter.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(name="vllm-log", daemon=True)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._ended, self._end = socket.socketpair()
        self._begun: dict[socket.socket, bytes] = {}

    def close(self, within: float = 1.0) -> None:
        """Handle what has arrived, and end; wait for that at most `within` seconds."""
        self._end.close()
        self.join(within)

    def run(self) -> None:
        """Receive until closed."""
        timeout = None
        with (
            contextlib.ExitStack() as connections,
            self._listener,
            self._ended,
            selectors.DefaultSelector() as selector,
        ):
            for server in (self._listener, self._ended):
                selector.register(server, selectors.EVENT_READ)
            while ready := selector.select(timeout):
                for key, _ in ready:
                    source = key.fileobj
                    if source is self._listener:
                        connection = connections.enter_context(self._listener.accept()[0])
                        self._begun[connection] = b""
                        selector.register(connection, selectors.EVENT_READ)
                    elif source is self._ended:
                        timeout = 0
                        selector.unregister(source)
                    elif isinstance(source, socket.socket) and not self._receive(source):
                        selector.unregister(source)

    def _receive(self, connection: socket.socket) -> bool:
        """Log what has arrived on a connection; return False at its end."""
        try:
            data = connection.recv(2**16)
        except OSError:
            data = b""
        *lines, rest = (self._begun[connection] + (data or b"\n")).split(b"\n")
        for line in lines:
            _log(line, connection)
        self._begun[connection] = rest
        if not data:
            del self._begun[connection]
            connection.close()
        return bool(data)


def _log(line: bytes, source: socket.socket) -> None:
    if line.startswith(RECORD):
        with contextlib.suppress(ValueError):  # a killed process may have sent half a record
            record = logging.makeLogRecord(json.loads(line[1:]))
            logger = logging.getLogger(record.name)
            if logger.isEnabledFor(record.levelno):
                logger.handle(record)
            return
    _, redrawn, shown = line.rstrip(b"\r").rpartition(b"\r")
    if shown.strip():
        level = logging.INFO if redrawn and BAR_END.search(shown) else logging.WARNING
        process = source.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        text = shown.rstrip().decode(errors="backslashreplace")
        output.log(level, "%s", text, extra={"pid": struct.unpack("3i", process)[0]})
