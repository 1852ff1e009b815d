"""Keeps a killed server from leaving its engine behind, with the memory that it holds.

vLLM ends its engine when it is told to, not when its parent is gone. So this runs inside the engine's
processes, as a plugin of vLLM (entry point `vllm.general_plugins`), and does nothing in those that Jarvis has
not started.
"""

import os
import signal
import threading
import time

SERVER_PID = "JARVIS_SERVER_PID"
INTERVAL = 1.0
"""Seconds between two looks at the parent."""


def end_with_parent() -> None:
    """Kill this process soon after the server that started it is gone."""
    if os.environ.get(SERVER_PID) == str(os.getppid()):
        threading.Thread(target=_watch, args=(os.getppid(),), name="end-with-parent", daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(INTERVAL)
    os.kill(os.getpid(), signal.SIGKILL)
