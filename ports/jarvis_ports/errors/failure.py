"""Errors of an engine or a store, and those that only the operator sees."""

from jarvis_ports.errors.base import JarvisError


class EngineFailure(JarvisError):
    """The engine failed at this request, and lives on."""

    reason = "ENGINE_FAILURE"


class StoreFailure(JarvisError):
    """The vector store failed at this request, and lives on."""

    reason = "STORE_FAILURE"


class StartupError(JarvisError):
    """A configured component cannot be started."""


class ModelUnavailable(StartupError):
    """The model's files are missing and cannot be obtained."""

    reason = "MODEL_UNAVAILABLE"


class EngineStartFailed(StartupError):
    """The engine did not start."""

    reason = "ENGINE_START_FAILED"


class StoreUnusable(StartupError):
    """A folder is locked by another process, cannot be written, or holds data that cannot be read."""

    reason = "STORE_UNUSABLE"
