"""Gives the engine our backend for structured output, as a plugin of vLLM (`vllm.general_plugins`)."""

import os

from jarvis_adapters.vllm.orphan import SERVER_PID


def use_checked_grammars() -> None:
    """Put `Guidance` in the place of vLLM's backend of that name, in the engines that Jarvis has started."""
    if os.environ.get(SERVER_PID) == str(os.getppid()):
        from vllm.v1 import structured_output  # noqa: PLC0415 - takes seconds

        from jarvis_adapters.vllm.constraints.guidance import Guidance  # noqa: PLC0415 - imports vLLM

        structured_output.GuidanceBackend = Guidance
