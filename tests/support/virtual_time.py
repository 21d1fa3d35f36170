"""An event loop whose time passes only when nothing is left to do: hours in milliseconds.

For code that sleeps and computes, without sockets or threads. `now()` is the loop's time.
"""

import asyncio
import selectors


class _Selector(selectors.SelectSelector):
    """Waits for nothing: what would be waited is added to the clock."""

    def __init__(self):
        super().__init__()
        self.now = 0.0

    def select(self, timeout=None):
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise RuntimeError("nothing will ever happen: everybody waits for somebody")
            self.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """The loop."""

    def __init__(self):
        self._clock = _Selector()
        super().__init__(self._clock)

    def time(self):
        return self._clock.now


def run(scene):
    """Run a coroutine to its end."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(scene)


def now():
    """Seconds since the loop began."""
    return asyncio.get_running_loop().time()
