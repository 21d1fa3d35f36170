"""Blocking work that gives way to the end of the instance."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


async def unless(stopping: asyncio.Event, work: Callable[[], T]) -> T | None:
    """Run `work` in a thread and return what it does, None if `stopping` is set first.

    The thread is left alone then: it may wait for standard input for ever, which no one can end,
    and the process does not wait for it. What `work` raises is raised here.
    """
    future: Future[T] = Future()
    future.set_running_or_notify_cancel()  # from now on nobody can cancel it

    def run() -> None:
        try:
            future.set_result(work())
        except Exception as error:  # noqa: BLE001 - raised where it is waited for
            future.set_exception(error)

    threading.Thread(target=run, name="load", daemon=True).start()
    done, stop = asyncio.wrap_future(future), asyncio.ensure_future(stopping.wait())
    try:
        await asyncio.wait((done, stop), return_when=asyncio.FIRST_COMPLETED)
        return done.result() if done.done() else None
    finally:
        stop.cancel()
        done.cancel()
