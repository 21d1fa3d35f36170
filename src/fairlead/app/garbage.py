"""Keeps the cyclic garbage collector out of the way of changes.

What the graph holds lives long and has no cycles, yet a full collection walks all of it, which at
some thousand routes stops the event loop for longer than a change takes. So it runs only when
nothing has changed for a while, and what has survived is never looked at again (`gc.freeze`).
"""

import asyncio
import gc

from fairlead.app.engine import Engine

IDLE = 1.0
"""Seconds without a change after which it runs."""
AT_LATEST = 60.0
"""Seconds after which it runs even though changes keep coming."""


async def collect_when_idle(engine: Engine) -> None:
    """Run the collector between changes, for ever; the automatic one is off meanwhile."""
    clock = asyncio.get_running_loop().time
    gc.disable()
    try:
        while True:
            await engine.next_turn(engine.turns)
            latest = clock() + AT_LATEST
            idle = False
            while not idle and clock() < latest:
                seen = engine.turns
                await asyncio.sleep(IDLE)
                idle = engine.turns == seen
            gc.collect()
            gc.freeze()
    finally:
        gc.enable()
        gc.unfreeze()
