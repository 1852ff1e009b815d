"""The form of an address that a server listens on and a client calls."""

from collections.abc import Sequence


class CannotListen(Exception):
    """The server cannot listen where it was told to."""


def check(address: str) -> None:
    """Refuse what is no address.

    Raises:
        ValueError: it is neither host:port nor unix:/path.
    """
    is_socket = address.startswith("unix:") and len(address) > len("unix:")
    if not is_socket and not _is_host_and_port(address):
        msg = f"{address!r} is neither host:port nor unix:/path"
        raise ValueError(msg)


def check_host_and_port(address: str) -> None:
    """Refuse what is no address, or is that of a socket in the file system.

    Raises:
        ValueError: it is not host:port.
    """
    if not _is_host_and_port(address):
        msg = f"{address!r} is not host:port"
        raise ValueError(msg)


def same(address: str, others: Sequence[str]) -> int:
    """Return how many of the others are the same address; port 0 is another port each time."""
    return 0 if address.endswith(":0") else [_plain(other) for other in others].count(_plain(address))


def _plain(address: str) -> str:
    path = address.removeprefix("unix:")
    if path == address:
        host, _, port = address.lower().rpartition(":")
        return f"{host}:{port.lstrip('0')}"
    return "unix:" + ("/" + path.lstrip("/") if path.startswith("/") else path)


def _is_host_and_port(address: str) -> bool:
    host, _, port = address.rpartition(":")
    if not (host and host != "unix" and port.isdecimal()):
        return False
    if int(port) >= 2**16:
        msg = f"{address!r} has no port: {port} is above {2**16 - 1}"
        raise ValueError(msg)
    return True
