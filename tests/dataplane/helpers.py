"""A clock that the test moves, and waiting for what other processes do."""

import asyncio
import heapq
import os
from pathlib import Path


class FakeClock:
    """Time passes only in `advance`."""

    def __init__(self):
        self._now = 1000.0
        self._timers = []
        self._count = 0

    def now(self):
        return self._now

    @property
    def sleeping(self):
        """Seconds until each timer that somebody waits for, shortest first."""
        return [due - self._now for due, _, future in sorted(self._timers) if not future.done()]

    def _timer(self, seconds):
        future = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._timers, (self._now + seconds, self._count, future))
        return future

    async def sleep(self, seconds):
        await self._timer(seconds)

    async def wait(self, event, seconds):
        timer = self._timer(seconds)
        async with asyncio.TaskGroup() as tasks:
            waiting = tasks.create_task(event.wait())
            await asyncio.wait([timer, waiting], return_when=asyncio.FIRST_COMPLETED)
            timer.cancel()
            waiting.cancel()
        return event.is_set()

    async def advance(self, seconds):
        """Let time pass and everything that was due happen."""
        self._now += seconds
        while self._timers and self._timers[0][0] <= self._now:
            _, _, future = heapq.heappop(self._timers)
            if not future.done():
                future.set_result(None)
        for _ in range(20):
            await asyncio.sleep(0)


async def until(check, seconds=15.0):
    """Poll until `check()` is true; returns what it said."""
    async with asyncio.timeout(seconds):
        while not (answer := check()):  # noqa: ASYNC110 - what is waited for is another process
            await asyncio.sleep(0.01)
    return answer


def alive(pid):
    """Whether a process runs (a zombie does not)."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return text.rpartition(")")[2].split()[0] != "Z"


def environment(**extra):
    """An environment with little more than the PATH."""
    return {"PATH": os.environ.get("PATH", os.defpath), **extra}
