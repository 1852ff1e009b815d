"""Finds why an address cannot be listened on: gRPC says only that it failed, and takes over live sockets."""

import errno
import os
import socket
from pathlib import Path

MAX_PATH = 107
"""The most bytes of the path of a unix socket: https://man7.org/linux/man-pages/man7/unix.7.html"""

REASONS = {
    errno.EADDRINUSE: "it is in use by another process; stop that, or take another address",
    errno.EADDRNOTAVAIL: "it is not an address of this machine",
    errno.EACCES: "permission denied: this user may not open it",
}


def reason(error: OSError) -> str:
    """Return why an address could not be opened."""
    return REASONS.get(error.errno or 0) or (error.strerror or str(error)).rpartition(": ")[2]


def problem(address: str) -> str:
    """Return what prevents listening on host:port or unix:/path, or an empty text if nothing is known to."""
    path = address.removeprefix("unix:")
    if path != address:
        return _problem_of_path(Path("/" + path.lstrip("/") if path.startswith("/") else path))
    host, _, port = address.rpartition(":")
    return _problem_of_port(host.strip("[]"), int(port))


def _problem_of_path(path: Path) -> str:
    if (size := len(os.fsencode(path))) > MAX_PATH:
        return f"the path has {size} bytes, and that of a socket has {MAX_PATH} at most"
    if not path.parent.is_dir():
        return f"there is no folder {path.parent}; make it first"
    try:
        if path.exists() and not path.is_socket():
            return "there is something else of that name, which is no socket; move it away"
        in_use = _someone_listens(path)
    except OSError as error:
        return reason(error)
    return REASONS[errno.EADDRINUSE] if in_use else ""


def _someone_listens(path: Path) -> bool:
    """Return whether a server listens on a socket; if there is no socket, check that one can be made."""
    with socket.socket(socket.AF_UNIX) as probe:
        if not path.exists():
            probe.bind(os.fspath(path))
            path.unlink()
            return False
        probe.settimeout(0)
        try:
            probe.connect(os.fspath(path))
        except ConnectionRefusedError:  # left behind by a server that was killed
            return False
        except BlockingIOError:  # its server is too busy to accept another connection
            pass
        return True


def _problem_of_port(host: str, port: int) -> str:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        return f"the host {host!r} is unknown ({error.strerror}); 0.0.0.0 is every address of this machine"
    problems = [_problem_of_socket(family, where) for family, _, _, _, where in found]
    if REASONS[errno.EADDRINUSE] in problems or all(problems):  # a name may also have unusable addresses
        return max(problems, key=REASONS[errno.EADDRINUSE].__eq__)
    return ""


def _problem_of_socket(family: int, where: tuple[object, ...]) -> str:
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind(where)
    except OSError as error:
        return reason(error)
    return ""
