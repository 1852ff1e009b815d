"""The form of an address that a server listens on and a client calls."""


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


def _is_host_and_port(address: str) -> bool:
    host, _, port = address.rpartition(":")
    if not (host and host != "unix" and port.isdecimal()):
        return False
    if int(port) >= 2**16:
        msg = f"{address!r} has no port: {port} is above {2**16 - 1}"
        raise ValueError(msg)
    return True
