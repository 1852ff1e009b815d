"""Why an engine failed: it runs in processes of its own, and only their log tells."""

import json
import logging
from pathlib import Path
from types import TracebackType
from typing import Self

from jarvis_adapters.vllm.engine_log import LogReceiver, configure


class FailureLog:
    """Brings the log of an engine's processes to this one's loggers, and the errors in it to a file as well.

    The log is brought while this context manager is open.

    Args:
        folder: where the file is; it has to outlive the engine.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / "failures.log"
        self._socket = folder / "log.sock"
        self.config = folder / "logging.json"
        self.config.write_text(json.dumps(self._dict_config()), encoding="utf-8")

    def _dict_config(self) -> dict[str, object]:
        """Make what vLLM configures logging with, in this process and in the engine's."""
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
