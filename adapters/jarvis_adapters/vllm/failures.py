"""Why an engine failed: it runs in processes of its own, and only their log tells."""

import json
from pathlib import Path


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
            "delay": True,
        }
        return {
            "version": 1,
            "disable_existing_loggers": False,
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
