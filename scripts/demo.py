"""The program of `make demo`: starts the server on real models, gets an answer with sources, and cleans up.

The exit code is 0 if everything worked, 1 if something did not, and 130 if interrupted; no process is left
in any case. What the server stored is deleted: only the models stay, in the user's cache folder.
"""

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[1]
JARVIS = str(Path(sys.executable).with_name("jarvis"))
MODELS = ("smollm2-135m-instruct", "all-minilm-l6-v2")
DOCUMENTS = "scripts/demo_documents"
QUESTION = "When is the lighthouse open to visitors?"
ANSWER = "Saturdays and Sundays"
ANSWER_IS_IN = "visitors.md"
START_SECONDS = 300
STOP_SECONDS = 60


class DemoFailed(Exception):
    """A step did not do what it should; the message says which."""


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with tempfile.TemporaryDirectory(prefix="jarvis-demo-") as folder:
        log = Path(folder, "server.log")
        try:
            for model in MODELS:
                show("models", "fetch", model)
            began = time.monotonic()
            with server(Path(folder), log) as (process, address):
                wait_until_serving(process, address)
                use(address)
                stop(process)
            seconds = time.monotonic() - began
        except DemoFailed as error:
            print(f"demo: {error}", file=sys.stderr)
            if log.exists():
                tail = log.read_text(errors="replace").splitlines()[-40:]
                print("The end of the server's log:", *tail, sep="\n  ", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            return 128 + signal.SIGINT
    print(f"\nThe demo worked, in {seconds:.0f} s. `make serve` leaves the server running.")
    return 0


def use(address: str) -> None:
    """Ingest documents, ask a question, and try the other commands."""
    at = ("--server", address)
    show("ingest", DOCUMENTS, *at)
    answer, _, sources = show("ask", QUESTION, "--max-tokens", "64", "--temperature", "0", *at).partition(
        "SOURCE"
    )
    if ANSWER not in answer or ANSWER_IS_IN not in sources:
        msg = f"the answer does not say {ANSWER!r}, or not from {ANSWER_IS_IN}"
        raise DemoFailed(msg)
    show("prompt", "explain", "Compare two designs of a rate limiter, and say which you would choose.", *at)
    show("search", QUESTION, "--top-k", "2", *at)
    again = show("ingest", DOCUMENTS, *at)
    if " 0 of them embedded" not in again:
        msg = "documents that have not changed were embedded again"
        raise DemoFailed(msg)
    show("health", *at)
    show("status", *at)


@contextlib.contextmanager
def server(folder: Path, log: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Start the server in a session of its own, and kill what is left of it at the end.

    It runs with its defaults, except for its addresses, its cache and its data folder.
    """
    address = f"unix:{folder}/jarvis.sock"
    disk = f'{{adapter="diskcache", settings={{path="{folder}/cache"}}}}'
    cache = f'cache=[{{adapter="memory"}}, {disk}]'
    sets = (f'server.listen=["{address}"]', 'http.listen="127.0.0.1:0"', cache)
    command = [JARVIS, "serve", *(part for pair in sets for part in ("--set", pair))]
    print(f"\n$ jarvis {shlex.join(command[1:])} &", flush=True)
    environ = {key: value for key, value in os.environ.items() if not key.startswith("JARVIS__")}
    environ["JARVIS_DATA_DIR"] = f"{folder}/data"
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=folder, env=environ, stdout=out, stderr=out, start_new_session=True
        )
    try:
        yield process, address
    finally:
        for left in session(process.pid):
            with contextlib.suppress(psutil.NoSuchProcess):
                left.kill()
        process.wait()


def session(leader: int) -> list[psutil.Process]:
    """Return the live processes of a session."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(ProcessLookupError, psutil.NoSuchProcess):
            if os.getsid(process.pid) == leader and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def wait_until_serving(process: subprocess.Popen[bytes], address: str) -> None:
    """Ask for the server's health every second until it serves, and print each change."""
    start = time.monotonic()
    last = ""
    while last != "SERVING":
        seconds = time.monotonic() - start
        if process.poll() is not None:
            msg = f"the server ended with exit code {process.returncode} while it was starting"
            raise DemoFailed(msg)
        if seconds > START_SECONDS:
            msg = f"the server was not ready within {START_SECONDS} s"
            raise DemoFailed(msg)
        command = [JARVIS, "health", "--server", address]
        asked = subprocess.run(command, check=False, capture_output=True, text=True)
        answer = asked.stdout.strip() or "no answer yet"
        if answer != last:
            print(f"  {seconds:4.0f} s  health: {answer}", flush=True)
        last = answer
        time.sleep(1)


def show(*arguments: str) -> str:
    """Run a `jarvis` command that must succeed, show its output, and return it."""
    print(f"\n$ jarvis {shlex.join(arguments)}", flush=True)
    printed = b""
    with subprocess.Popen(
        [JARVIS, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, bufsize=0, cwd=ROOT
    ) as process:
        while part := process.stdout.read(4096):
            sys.stdout.buffer.write(part)
            sys.stdout.buffer.flush()
            printed += part
    if process.returncode:
        msg = f"jarvis {arguments[0]} ended with exit code {process.returncode}"
        raise DemoFailed(msg)
    return printed.decode()


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ask the server to stop, and check that it does, with all of its processes."""
    print(f"\n$ kill -TERM {process.pid}", flush=True)
    process.terminate()
    try:
        code = process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        msg = f"the server was still running {STOP_SECONDS} s after SIGTERM"
        raise DemoFailed(msg) from None
    left = session(process.pid)
    print(f"  exit code {code}, {len(left)} processes left")
    if code or left:
        msg = "the server did not stop cleanly"
        raise DemoFailed(msg)


if __name__ == "__main__":
    sys.exit(main())
