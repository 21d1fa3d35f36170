"""The single owner of the graph: takes changes from everywhere, applies them in bursts.

A change that comes alone is applied at once; those that come while another is being applied, or
within `PAUSE` after it, are applied together, the newest of each key. A long propagation gives
way to the rest of the process every `SLICE`.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable

from fairlead.app.pipeline import AnyChange, Effects, Pipeline
from fairlead.graph import GraphError

_LOG = logging.getLogger(__name__)
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
        self._wake.set()

    async def run(self) -> None:
        """Apply what is handed in, for ever. What came before is one first application."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            changes, self._pending = list(self._pending.values()), {}
            self._settled.clear()
            effects = await self._apply(changes)
            self._deliver(effects)
            self.turns += 1
            self._settled.set()
            self._turned.set()
            self._turned = asyncio.Event()
            await asyncio.sleep(PAUSE)

    @property
    def busy(self) -> bool:
        """Whether changes wait to be applied, or are being applied."""
        return bool(self._pending) or not self._settled.is_set()

    async def settled(self) -> None:
        """Wait until no propagation is under way and the first one is done.

        Whoever reads collections does so right after, without awaiting anything in between.
        """
        await self._settled.wait()

    async def next_turn(self, seen: int) -> None:
        """Wait until more than `seen` applications are done (see `turns`)."""
        while self.turns <= seen:
            await self._turned.wait()

    async def _apply(self, changes: list[AnyChange]) -> Effects:
        """Apply changes; one that a function fails on is left out, and the others still count."""
        try:
            return await self._propagate(changes)
        except GraphError:
            if len(changes) == 1:
                _LOG.exception("a change was left out: %r", changes[0])
                return Effects()
        middle = len(changes) // 2
        effects = await self._apply(changes[:middle])
        effects.update(await self._apply(changes[middle:]))
        return effects

    async def _propagate(self, changes: list[AnyChange]) -> Effects:
        clock = asyncio.get_running_loop().time
        steps = self._pipeline.apply(changes)
        end = clock() + SLICE
        while True:
            try:
                next(steps)
            except StopIteration as finished:
                return finished.value
            if clock() > end:
                await asyncio.sleep(0)
                end = clock() + SLICE
