"""The form of an address that a server listens on and a client calls."""


class AddressInUse(Exception):
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


def _is_host_and_port(address: str) -> bool:
    host, _, port = address.rpartition(":")
    return bool(host) and host != "unix" and port.isdigit() and int(port) < 2**16
