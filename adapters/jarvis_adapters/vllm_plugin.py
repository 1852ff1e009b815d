"""The plugin of vLLM, beside the folder of the adapter, which needs packages that clients lack."""

import os

SERVER_PID = "JARVIS_SERVER_PID"
"""The variable that tells an engine's processes which server has started them."""


def prepare() -> None:
    """Change an engine's process for Jarvis; do nothing in one that no Jarvis server has started."""
    if SERVER_PID in os.environ:
        from jarvis_adapters.vllm import plugin  # noqa: PLC0415 - see above

        plugin.prepare()
