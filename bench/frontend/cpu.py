"""The CPU time of a front end: that of all processes which this one has started, but for the engine's."""

import psutil

ENGINE = ("EngineCore", "Worker")
"""What vLLM names the processes of an engine."""


def front_end_seconds() -> float:
    """Return the seconds of CPU, of the user and of the kernel, so far; 0 where there are engines alone."""
    total = 0.0
    for process in psutil.Process().children(recursive=True):
        try:
            if not any(part in _title(process) for part in ENGINE):
                times = process.cpu_times()
                total += times.user + times.system
        except psutil.NoSuchProcess:
            continue
    return total


def _title(process: psutil.Process) -> str:
    return " ".join([process.name(), *process.cmdline()])
