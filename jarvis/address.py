"""The form of an address that a server listens on and a client calls."""


def check(address: str) -> None:
    """Refuse what is no address.

    Raises:
        ValueError: it is neither host:port nor unix:/path.
    """
    host, _, port = address.rpartition(":")
    is_socket = address.startswith("unix:") and len(address) > len("unix:")
    if not is_socket and not (host and port.isdigit()):
        msg = f"{address!r} is neither host:port nor unix:/path"
        raise ValueError(msg)
