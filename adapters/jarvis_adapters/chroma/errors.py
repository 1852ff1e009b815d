"""What Chroma raises, as the errors of the port."""

from jarvis_ports.errors import JarvisError, StoreFailure, StoreUnavailable


class NoSuchCollection(Exception):
    """There is no collection of that name, or it is not ours."""


def translate(error: BaseException) -> Exception:
    """Return what to raise instead; all of them survive pickling."""
    import httpx  # noqa: PLC0415 - only chromadb brings it

    if isinstance(error, NoSuchCollection | JarvisError):
        return error
    if isinstance(error, httpx.TimeoutException):
        return StoreUnavailable("the Chroma server does not answer in time")
    if isinstance(error, httpx.TransportError):
        return StoreUnavailable(f"the Chroma server does not answer: {error}")
    return StoreFailure(f"Chroma failed: {describe(error)}")


def describe(error: BaseException) -> str:
    """Say in one line what went wrong."""
    return " ".join(str(error).split())[:500] or type(error).__name__
