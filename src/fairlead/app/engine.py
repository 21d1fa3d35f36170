"""The single owner of the graph: takes changes from everywhere, applies them in bursts.

A change that comes alone is applied at once; those that come while another is being applied, or
within `PAUSE` after it, are applied together, the newest of each key. A long propagation gives
way to the rest of the process every `SLICE`.
"""

import asyncio
from collections.abc import Callable, Iterable

from fairlead.app.pipeline import AnyChange, Effects, Pipeline

PAUSE = 0.003
"""Seconds between two applications of changes."""
SLICE = 0.02
"""Seconds for which a propagation may hold the event loop."""


class Engine:
    """Applies changes and delivers their effects; `submit` may be called from any coroutine."""

    def __init__(self, pipeline: Pipeline, deliver: Callable[[Effects], None]) -> None:
        self._pipeline = pipeline
        self._deliver = deliver
        self._pending: dict[tuple[str, object], AnyChange] = {}
        self._wake = asyncio.Event()
        self._settled = asyncio.Event()
        self._turned = asyncio.Event()
        self.turns = 0
        """How many times changes have been applied."""

    def submit(self, changes: Iterable[AnyChange]) -> None:
        """Hand in changes; of several for one key, the last counts."""
        for change in changes:
            self._pending[change.source.name, change.key] = change
        if self._pending:
            self._wake.set()

    async def run(self) -> None:
        """Apply what is handed in, for ever. What came before is one first application."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            changes, self._pending = list(self._pending.values()), {}
            await self._apply(changes)
            await asyncio.sleep(PAUSE)

    async def settled(self) -> None:
        """Wait until no propagation is under way and the first one is done.

        Whoever reads collections does so right after, without awaiting anything in between.
        """
        await self._settled.wait()

    async def next_turn(self, seen: int) -> None:
        """Wait until more than `seen` applications are done (see `turns`)."""
        while self.turns <= seen:
            await self._turned.wait()

    async def _apply(self, changes: list[AnyChange]) -> None:
        clock = asyncio.get_running_loop().time
        self._settled.clear()
        steps = self._pipeline.apply(changes)
        end = clock() + SLICE
        while True:
            try:
                next(steps)
            except StopIteration as finished:
                effects: Effects = finished.value
                break
            if clock() > end:
                await asyncio.sleep(0)
                end = clock() + SLICE
        self._deliver(effects)
        self.turns += 1
        self._settled.set()
        self._turned.set()
        self._turned = asyncio.Event()
