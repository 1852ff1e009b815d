"""Runs a long blocking start in a thread that nobody has to wait for."""

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

import psutil

R = TypeVar("R")


async def in_thread(function: Callable[[], R], *, abandon: Callable[[R], object]) -> R:
    """Run `function` in a daemon thread and return what it returns.

    When the waiting task is cancelled, the processes that the function has started are killed, which makes it
    fail soon; should it succeed all the same, its result goes to `abandon`.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[R] = loop.create_future()
    before = set(psutil.Process().children(recursive=True))
    lock = threading.Lock()
    abandoned = False

    def settle(result: R | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type] # without an error there is a result

    def run() -> None:
        result, error = None, None
        try:
            result = function()
        except BaseException as raised:  # noqa: BLE001 - it is handed over
            error = raised
        with lock:
            if not abandoned:
                loop.call_soon_threadsafe(settle, result, error)
            elif error is None:
                abandon(result)  # type: ignore[arg-type]

    threading.Thread(target=run, name="engine-start", daemon=True).start()
    try:
        return await future
    except asyncio.CancelledError:
        with lock:
            abandoned = True
        for process in set(psutil.Process().children(recursive=True)) - before:
            process.kill()
        raise
