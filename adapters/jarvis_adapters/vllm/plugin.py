"""Changes an engine's processes for Jarvis; vLLM gets here through `jarvis_adapters.vllm_plugin`."""

import atexit
import gc
import os
import signal

import psutil

from jarvis_adapters.vllm_plugin import SERVER_PID
from jarvis_toolkit.children import detach

NAME = "jarvis"
"""The name of the entry point."""


def prepare() -> None:
    """Tie this process to the server; vLLM itself ends the workers with the engine's main process.

    Where the server has died meanwhile, end this process, which would hold its memory for ever.
    """
    server = int(os.environ.get(SERVER_PID, "0"))
    if server in {0, os.getpid()}:
        return
    atexit.register(gc.freeze)  # or the interpreter looks at all of vLLM's objects as it exits, for 2 s
    from vllm.v1 import structured_output  # noqa: PLC0415 - takes seconds, and is loaded here alone

    from jarvis_adapters.vllm import compilation, dump, waiting  # noqa: PLC0415 - as above
    from jarvis_adapters.vllm.constraints.guidance import Guidance  # noqa: PLC0415 - as above

    if os.getppid() == server:
        detach(server)
        structured_output.GuidanceBackend = Guidance
    elif not _runs(server):
        os.kill(os.getpid(), signal.SIGKILL)
    compilation.add_to_workers()
    dump.leave_out_texts()
    waiting.sleep_between_looks()


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
