"""The command that starts a Jarvis server."""

import sys
from pathlib import Path

COMMAND = str(Path(sys.executable).with_name("jarvis"))
GENERATION_ALONE = ("embedder.adapter=none", "store.adapter=none")
"""The settings of a server that neither embeds nor retrieves."""


def command(port: int, *sets: str, http: str = "") -> list[str]:
    """Return the command of a server on this port.

    Args:
        port: its port for callers, at 127.0.0.1.
        sets: its settings, each an argument of `--set`.
        http: its address for operators; empty for none.
    """
    pairs = [f'server.listen=["127.0.0.1:{port}"]', f'http.listen="{http}"', *sets]
    return [COMMAND, "serve", *(part for pair in pairs for part in ("--set", pair))]


def http_address(port: int) -> str:
    """Return an address for operators of the server on this port."""
    return f"127.0.0.2:{port}"  # the same port is free there: all of 127.0.0.0/8 is this machine
