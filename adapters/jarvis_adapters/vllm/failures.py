"""Why an engine failed: it runs in processes of its own, and only their log tells."""

import json
import logging
import os
from pathlib import Path

from jarvis_adapters.vllm.orphan import SERVER_PID


class OfEngine(logging.Filter):
    """Lets pass what a process of the engine logs.

    The server's process has one log of vLLM for all engines, so that it cannot tell them apart.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a record is from another process than the server's."""
        return str(record.process) != os.environ.get(SERVER_PID)


class FailureLog:
    """Sends vLLM's log to standard error, and the errors in it to a file as well.

    Args:
        folder: where the file is; it has to outlive the engine.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / "failures.log"
        self.config = folder / "logging.json"
        self.config.write_text(json.dumps(self._dict_config()), encoding="utf-8")

    def _dict_config(self) -> dict[str, object]:
        form = "%(levelname)s %(asctime)s vllm[%(process)d] %(message)s"
        stderr = {"class": "logging.StreamHandler", "formatter": "plain", "stream": "ext://sys.stderr"}
        failures = {
            "class": "logging.FileHandler",
            "formatter": "bare",
            "filename": str(self._file),
            "level": "ERROR",
            "filters": ["engine"],
            "delay": True,
        }
        return {
            "version": 1,
            "disable_existing_loggers": False,
            "filters": {"engine": {"()": f"{OfEngine.__module__}.{OfEngine.__name__}"}},
            "formatters": {"plain": {"format": form}, "bare": {"format": "%(message)s"}},
            "handlers": {"stderr": stderr, "failures": failures},
            "loggers": {"vllm": {"handlers": ["stderr", "failures"], "level": "INFO", "propagate": False}},
        }

    def clear(self) -> None:
        """Forget what an earlier attempt has left."""
        self._file.unlink(missing_ok=True)

    def root_cause(self) -> str:
        """Return the last line of the first traceback that is no consequence of others; empty without one."""
        if not self._file.exists():
            return ""
        lines = iter(self._file.read_text(encoding="utf-8", errors="replace").splitlines())
        for line in lines:
            if line.startswith("Traceback "):
                raised = next((after for after in lines if after and not after.startswith(" ")), "")
                if "EngineDeadError" not in raised:
                    return raised
        return ""
