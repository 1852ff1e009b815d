"""The errors that a user can meet, and the exit code of each."""

from importlib.util import find_spec

from jarvis_ports.extras import how_to_install

RUN_TIME_FAILURE = 1
USAGE_ERROR = 2
INTERRUPTED = 130
CALLERS_CODES = (
    "INVALID_ARGUMENT",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "FAILED_PRECONDITION",
    "OUT_OF_RANGE",
    "PERMISSION_DENIED",
    "UNAUTHENTICATED",
)
"""The codes of requests that are wrong."""
SERVERS_REASONS = ("MODEL_UNAVAILABLE", "ENGINE_START_FAILED", "STORE_UNUSABLE")
"""The reasons with such a code that blame the server's surroundings all the same."""
SERVER_MODULES = ("aiohttp", "pluggy", "pydantic_settings", "uvloop")
"""Some of the modules that the server needs, and clients do not."""
NEEDS_SERVER = f"this command needs the server, which is not installed: {how_to_install('server')}"


def has_server() -> bool:
    """Return whether the modules that the server needs are installed."""
    return all(find_spec(name) for name in SERVER_MODULES)


def exit_code(error: Exception) -> int | None:
    """Return the exit code of an expected error, or None for any other, which is a defect of Jarvis.

    It is `USAGE_ERROR` where another command line, configuration or request helps, and `RUN_TIME_FAILURE`
    where the server or its surroundings failed.
    """
    import grpc  # noqa: PLC0415

    from jarvis.address import CannotListen  # noqa: PLC0415
    from jarvis.client import JarvisClientError  # noqa: PLC0415
    from jarvis_ports.errors import EngineStartFailed, StartupError  # noqa: PLC0415

    match error:
        case JarvisClientError():
            codes = {getattr(grpc.StatusCode, name) for name in CALLERS_CODES}
            blamed = error.violations or error.code in codes or error.reason == "MESSAGE_TOO_LARGE"
            return USAGE_ERROR if blamed and error.reason not in SERVERS_REASONS else RUN_TIME_FAILURE
        case EngineStartFailed():
            return RUN_TIME_FAILURE
        case StartupError() | CannotListen():
            return USAGE_ERROR
    if not has_server():
        return None
    from jarvis.backup import BackupFailed, BackupRefused  # noqa: PLC0415

    if isinstance(error, BackupFailed):
        return USAGE_ERROR if isinstance(error, BackupRefused) else RUN_TIME_FAILURE
    return USAGE_ERROR if isinstance(error, _misconfigured()) else None


def _misconfigured() -> tuple[type[Exception], ...]:
    from jarvis.app.config import ConfigError  # noqa: PLC0415
    from jarvis_plugins.registry import DuplicateAdapter, UnknownAdapter  # noqa: PLC0415

    return ConfigError, DuplicateAdapter, UnknownAdapter
