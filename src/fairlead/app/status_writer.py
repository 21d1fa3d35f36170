"""Writes changed status to the directory that the user asked for, outside of the event loop."""

import asyncio
import itertools
import logging
from collections.abc import Iterable

from fairlead.status.directory import StatusDirectory
from fairlead.status.store import ReportKey, StatusStore

_LOG = logging.getLogger(__name__)
CHUNK = 100
"""Objects that are written before others get their turn."""


class StatusWriter:
    """Collects which objects have changed while a write is under way, each once."""

    def __init__(self, store: StatusStore, directory: StatusDirectory) -> None:
        self._store = store
        self._directory = directory
        self._pending: dict[ReportKey, None] = {}
        self._wake = asyncio.Event()

    def touched(self, keys: Iterable[ReportKey]) -> None:
        """Note objects whose status may have changed."""
        self._pending.update(dict.fromkeys(keys))
        self._wake.set()

    async def run(self) -> None:
        """Write, for ever. A directory that can't be written is logged; the next change retries."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self.flush()

    async def flush(self) -> None:
        """Write what is pending now."""
        while keys := list(itertools.islice(self._pending, CHUNK)):
            for key in keys:
                del self._pending[key]
            changed = {key: self._store.get(key) for key in keys}
            try:
                await asyncio.to_thread(self._directory.write, changed)
            except OSError as error:
                _LOG.error("cannot write status: %s", error)
