"""Which errors a user can meet, and the exit code of each."""

RUN_TIME_FAILURE = 1
USAGE_ERROR = 2


def exit_code(error: Exception) -> int | None:
    """Give the exit code of an expected error; None is a defect of ours."""
    import grpc  # noqa: PLC0415

    from jarvis.address import CannotListen  # noqa: PLC0415
    from jarvis.app.config import ConfigError  # noqa: PLC0415
    from jarvis.client import JarvisClientError  # noqa: PLC0415
    from jarvis_plugins.registry import DuplicateAdapter, UnknownAdapter  # noqa: PLC0415
    from jarvis_ports.errors import EngineStartFailed, StartupError  # noqa: PLC0415

    match error:
        case ConfigError() | CannotListen() | DuplicateAdapter() | UnknownAdapter():
            return USAGE_ERROR
        case EngineStartFailed():
            return RUN_TIME_FAILURE
        case StartupError():
            return USAGE_ERROR
        case JarvisClientError():
            blamed = error.violations or error.code is grpc.StatusCode.INVALID_ARGUMENT
            return USAGE_ERROR if blamed else RUN_TIME_FAILURE
    return None
