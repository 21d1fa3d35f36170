"""Keeps the cyclic garbage collector out of the way of changes.

What the graph holds lives long and has no cycles, yet a full collection walks all of it, which at
some thousand routes stops the event loop for longer than a change takes. So it runs only when
nothing has changed for a while, and what has survived is never looked at again (`gc.freeze`).
"""

import asyncio
import contextlib
import ctypes
import gc

from fairlead.app.engine import Engine

IDLE = 1.0
"""Seconds without a change after which it runs."""
_TRIM_THRESHOLD = -1
_ARENA_MAX = -8
"""Numbers of glibc's parameters (malloc.h)."""
_TRIM_BYTES = 128 * 1024
AT_LATEST = 60.0
"""Seconds after which it runs even though changes keep coming."""


async def collect_when_idle(engine: Engine) -> None:
    """Run the collector between changes, for ever; the automatic one is off meanwhile."""
    clock = asyncio.get_running_loop().time
    gc.disable()
    try:
        await engine.next_turn(engine.turns)
        give_back()
        while True:
            latest = clock() + AT_LATEST
            idle = False
            while not idle and clock() < latest:
                seen = engine.turns
                await asyncio.sleep(IDLE)
                idle = engine.turns == seen
            gc.collect()
            gc.freeze()
            give_back()
            await engine.next_turn(engine.turns)
    finally:
        gc.enable()
        gc.unfreeze()


def keep_small() -> None:
    """Let the allocator (glibc) return free memory early: one arena, and no growing thresholds."""
    with contextlib.suppress(AttributeError, OSError):
        allocator = ctypes.CDLL(None)
        allocator.mallopt(_ARENA_MAX, 1)
        allocator.mallopt(_TRIM_THRESHOLD, _TRIM_BYTES)


def give_back() -> None:
    """Return what a first load or a large change needed for a while to the system (glibc)."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
