"""Finds out why an engine failed: it runs in its own processes, and only their log says why."""

import json
import logging
from pathlib import Path
from types import TracebackType
from typing import Self

from jarvis_adapters.vllm.engine_log import LogReceiver, configure


class FailureLog:
    """Passes the log of an engine's processes to this process's loggers, and collects its errors in a file.

    It passes the log on while this context manager is open.

    Args:
        folder: the folder of the file; it must outlive the engine.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / "failures.log"
        self._socket = folder / "log.sock"
        self.config = folder / "logging.json"
        self.config.write_text(json.dumps(self._dict_config()), encoding="utf-8")

    def _dict_config(self) -> dict[str, object]:
        """Return the logging configuration for vLLM, in this process and in the engine's."""
        configured = {
            "()": f"{configure.__module__}.{configure.__name__}",
            "path": str(self._socket),
            "failures": str(self._file),
            "threshold": logging.getLogger().getEffectiveLevel(),
        }
        return {"version": 1, "disable_existing_loggers": False, "handlers": {"engine": configured}}

    def __enter__(self) -> Self:
        self._receiver = LogReceiver(self._socket)
        self._receiver.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._receiver.close()

    def clear(self) -> None:
        """Delete the errors of an earlier attempt."""
        self._file.unlink(missing_ok=True)

    def root_cause(self) -> str:
        """Return the error of the first traceback that is not a mere consequence; empty if there is none."""
        if not self._file.exists():
            return ""
        lines = iter(self._file.read_text(encoding="utf-8", errors="replace").splitlines())
        for line in lines:
            if line.startswith("Traceback "):
                raised = next((after for after in lines if after and not after.startswith(" ")), "")
                if "EngineDeadError" not in raised:
                    return raised
        return ""
