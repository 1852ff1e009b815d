"""Runs a long blocking start in a thread that nobody has to wait for."""

import asyncio
import atexit
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar

import psutil

from jarvis_adapters.vllm.processes import kill

R = TypeVar("R")

STEP_SECONDS = 30.0
"""Seconds that exiting waits for an abandoned thread: cut off inside torch, it would crash the process."""


async def in_thread(function: Callable[[], R], *, abandon: Callable[[R], object]) -> R:
    """Run `function` in a daemon thread and return what it returns.

    If the waiting task is cancelled, the processes that the function has started, and no others, are killed,
    so that it soon fails. If it succeeds all the same, its result goes to `abandon`, in a thread.
    """
    work: Future[R] = Future()

    def run() -> None:
        work.set_running_or_notify_cancel()
        try:
            work.set_result(function())
        except BaseException as error:  # noqa: BLE001 - it is handed over
            work.set_exception(error)

    def undo(done: Future[R]) -> None:
        if done.exception() is None:
            threading.Thread(target=abandon, args=(done.result(),), name="engine-stop", daemon=True).start()

    thread = threading.Thread(target=run, name="engine-start", daemon=True)
    thread.start()
    try:
        return await asyncio.wrap_future(work)
    except asyncio.CancelledError:
        kill(started_by(thread))
        work.add_done_callback(undo)
        atexit.register(thread.join, STEP_SECONDS)
        raise


def started_by(thread: threading.Thread) -> list[psutil.Process]:
    """List the processes that a running thread has started, and their descendants, from the leaves up.

    Linux lists children by thread, which keeps those of simultaneous starts apart. The list is empty if the
    kernel was built without CONFIG_PROC_CHILDREN, or if the thread has ended.
    """
    try:
        children = Path(f"/proc/self/task/{thread.native_id}/children").read_text(encoding="ascii").split()
    except FileNotFoundError:
        return []
    found = []
    for pid in children:
        try:
            process = psutil.Process(int(pid))
            found += [*reversed(process.children(recursive=True)), process]
        except psutil.NoSuchProcess:
            continue
    return found
