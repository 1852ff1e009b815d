"""The error for a constraint that is refused."""

MAX_PATH = 70
"""The most characters of a path in a message: only its end is kept, so that the fault fits beside it."""


class Refused(Exception):
    """The reason for a refusal, with the path (JSON pointer, RFC 6901) of the keyword in a JSON schema."""

    def __init__(self, reason: str, path: str | None = None) -> None:
        if path:
            path = path if len(path) <= MAX_PATH else "…" + path[1 - MAX_PATH :]
            reason = f"{path}: {reason}"
        super().__init__(reason)


def pointer(path: str, key: str | int) -> str:
    """Return a JSON pointer with a key appended."""
    return f"{path}/{str(key).replace('~', '~0').replace('/', '~1')}"
