"""A constraint that is refused."""

MAX_PATH = 70
"""Characters of a path in a message, from its end: what names the fault is to fit beside it."""


class Refused(Exception):
    """Why; with the path of the keyword (JSON pointer, RFC 6901) where the fault is in a JSON schema."""

    def __init__(self, reason: str, path: str | None = None) -> None:
        if path:
            path = path if len(path) <= MAX_PATH else "…" + path[1 - MAX_PATH :]
            reason = f"{path}: {reason}"
        super().__init__(reason)


def pointer(path: str, key: str | int) -> str:
    """Append to a JSON pointer."""
    return f"{path}/{str(key).replace('~', '~0').replace('/', '~1')}"
