"""The errors that a user can meet, and the exit code of each."""

from importlib.util import find_spec

RUN_TIME_FAILURE = 1
USAGE_ERROR = 2
INTERRUPTED = 130
SERVER_MODULES = ("aiohttp", "pluggy", "pydantic_settings", "uvloop")
"""Some of the modules that the server needs, and clients do not."""
NEEDS_SERVER = "this command needs the server, which is not installed: install jarvis-server[server]"


def has_server() -> bool:
    """Return whether the modules that the server needs are installed."""
    return all(find_spec(name) for name in SERVER_MODULES)


def exit_code(error: Exception) -> int | None:
    """Return the exit code of an expected error, or None for any other, which is a defect of Jarvis."""
    import grpc  # noqa: PLC0415

    from jarvis.address import CannotListen  # noqa: PLC0415
    from jarvis.client import JarvisClientError  # noqa: PLC0415
    from jarvis_ports.errors import EngineStartFailed, StartupError  # noqa: PLC0415

    match error:
        case JarvisClientError():
            blamed = error.violations or error.code is grpc.StatusCode.INVALID_ARGUMENT
            return USAGE_ERROR if blamed else RUN_TIME_FAILURE
        case EngineStartFailed():
            return RUN_TIME_FAILURE
        case StartupError() | CannotListen():
            return USAGE_ERROR
    if not has_server():
        return None
    from jarvis.backup import BackupFailed  # noqa: PLC0415

    if isinstance(error, BackupFailed):
        return RUN_TIME_FAILURE
    return USAGE_ERROR if isinstance(error, _misconfigured()) else None


def _misconfigured() -> tuple[type[Exception], ...]:
    from jarvis.app.config import ConfigError  # noqa: PLC0415
    from jarvis_plugins.registry import DuplicateAdapter, UnknownAdapter  # noqa: PLC0415

    return ConfigError, DuplicateAdapter, UnknownAdapter
