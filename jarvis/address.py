"""The form of an address that a server listens on and a client calls."""

import ipaddress
from collections.abc import Sequence


class CannotListen(Exception):
    """The server cannot listen on one of its addresses."""


def check(address: str) -> None:
    """Check that a text is an address.

    Raises:
        ValueError: it is neither host:port nor unix:/path, or the port is too large.
    """
    is_socket = address.startswith("unix:") and len(address) > len("unix:")
    if "\0" in address or (not is_socket and not _is_host_and_port(address)):
        msg = f"{address!r} is neither host:port nor unix:/path{_hint(address)}"
        raise ValueError(msg)


def check_host_and_port(address: str) -> None:
    """Check that a text is an address, and not that of a socket in the file system.

    Raises:
        ValueError: it is not host:port, or the port is too large.
    """
    if not _is_host_and_port(address):
        msg = f"{address!r} is not host:port{_hint(address)}"
        raise ValueError(msg)


def same(address: str, others: Sequence[str]) -> int:
    """Count the others that are the same address; port 0 is a new port each time, so it is never the same."""
    return 0 if address.endswith(":0") else [_plain(other) for other in others].count(_plain(address))


def is_local(address: str) -> bool:
    """Return whether only this machine can call an address; a host's name counts as other machines' too."""
    if address.startswith("unix:"):
        return True
    host = address.rpartition(":")[0].strip("[]").lower()
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


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
    if host.split() != [host] or ("/" in host and not host.startswith("dns:")):  # gRPC knows dns:///host
        return False
    if int(port) >= 2**16:
        msg = f"{address!r} has no port: {port} is above {2**16 - 1}"
        raise ValueError(msg)
    return True


def _hint(address: str) -> str:
    scheme, found, _ = address.partition("://")
    if not found or scheme == "unix":
        return ""
    return f": leave out {scheme}://; TLS is set apart, by tls= of a client, server.tls of a server"
