"""The process that compiles constraints: it prepares once, and forks for each, so that each can be given up.

Connections come over the socket that is its standard input. The first brings what to prepare; each other one
brings a constraint, and takes the answer. The process ends when the server closes that socket, or is gone.
"""

import json
import os
import resource
import signal
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

from llguidance import LLTokenizer

from jarvis_adapters.vllm.constraints.checker import BEGUN
from jarvis_adapters.vllm.constraints.grammar import Compiler
from jarvis_adapters.vllm.constraints.refused import Refused
from jarvis_adapters.vllm.constraints.settings import StructuredOutputSettings

MEMORY = 256 << 20
"""The bytes of memory that compiling a constraint may take."""
NICENESS = 10
"""The niceness of compiling, which lets the server and the engine go first."""
NICENESS_OF_SESSION = 5
"""The niceness of the whole session, for kernels on which a process's own counts only within its session.

On CPUs that the engine fills, a health check waits 0.6 s (p99) if this is 0; if it is 10, compiling takes
longer than callers wait.
"""
READY = b"ready"


def main() -> None:
    """Prepare, and answer until the server ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the forked processes
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError):  # only kernels that group processes by session have it; containers do not
        Path("/proc/self/autogroup").write_text(str(NICENESS_OF_SESSION), encoding="ascii")
    control = socket.socket(fileno=0)
    connection = _next(control)
    if connection is None:
        return
    with connection:
        given = _received(connection)
        tokenizer = LLTokenizer(given["tokenizer"], n_vocab=given["vocab_size"], eos_token=given["eos_token"])
        settings = StructuredOutputSettings(**given["settings"])
        special = textless(tokenizer, given["tokenizer"])
        compiler = Compiler(tokenizer, settings, special=special, whitespace=given["whitespace"])
        connection.sendall(READY)
    while (connection := _next(control)) is not None:
        with connection:
            if os.fork() == 0:
                _answer(connection, compiler, settings.compile_seconds)


def textless(tokenizer: LLTokenizer, described: str) -> dict[str, int]:
    """Return the tokens that are no text for llguidance, with their ids.

    Beside those that a tokenizer calls special, these are tokens such as `<tool_call>`.
    """
    added = json.loads(described)["added_tokens"]
    return {token["content"]: token["id"] for token in added if tokenizer.is_special_token(token["id"])}


def _next(control: socket.socket) -> socket.socket | None:
    _, descriptors, _, _ = socket.recv_fds(control, 1, 1)
    return socket.socket(fileno=descriptors[0]) if descriptors else None


def _received(connection: socket.socket) -> Any:  # noqa: ANN401 - JSON
    with connection.makefile("rb") as sent:
        return json.load(sent)


def _answer(connection: socket.socket, compiler: Compiler, seconds: float) -> None:
    """Compile one constraint, and exit. If there is no answer, it took too long or too much memory."""
    try:
        connection.sendall(BEGUN)
        os.nice(NICENESS)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # where Rust reports that it has panicked
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        most = pages * resource.getpagesize() + MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        signal.setitimer(signal.ITIMER_PROF, seconds)  # the kernel then ends it, whatever it is doing
        given = _received(connection)
        try:
            answer = {"grammar": compiler.compiled(given["constraint"], given["value"])}
        except Refused as refused:
            answer = {"refused": str(refused)}
        except Exception as error:  # noqa: BLE001 - of a library, for what it cannot read
            answer = {"refused": f"cannot be compiled: {type(error).__name__}"}
        signal.setitimer(signal.ITIMER_PROF, 0)
        connection.sendall(json.dumps(answer).encode())
    finally:
        os._exit(0)


if __name__ == "__main__":
    main()
