"""Time as the runners see it, so that back-off and grace periods can be tried without waiting."""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Monotonic time and ways to let it pass."""

    def now(self) -> float:
        """Seconds since an arbitrary start; never goes back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""
        ...

    async def wait(self, event: asyncio.Event, seconds: float) -> bool:
        """Return when `event` is set (True) or after `seconds` (False)."""
        ...


class SystemClock:
    """The machine's monotonic clock and the running event loop."""

    def now(self) -> float:
        """Seconds since an arbitrary start; never goes back."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""
        await asyncio.sleep(seconds)

    async def wait(self, event: asyncio.Event, seconds: float) -> bool:
        """Return when `event` is set (True) or after `seconds` (False)."""
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            return False
        return True
