"""What Jarvis changes in an engine's processes: vLLM calls it there, as a plugin of `vllm.general_plugins`.

It does nothing in a process that no server of Jarvis has started.
"""

import os

from jarvis_plugins.children import detach

NAME = "jarvis"
"""Of the entry point."""
SERVER_PID = "JARVIS_SERVER_PID"


def prepare() -> None:
    """Make this process one of the server's; vLLM ends its workers with the engine's main process."""
    server = int(os.environ.get(SERVER_PID, "0"))
    if server in {0, os.getpid()}:
        return
    from jarvis_adapters.vllm import compilation, dump  # noqa: PLC0415 - vLLM is loaded here alone

    if os.getppid() == server:
        detach(server)
    compilation.add_to_workers()
    dump.leave_out_texts()
