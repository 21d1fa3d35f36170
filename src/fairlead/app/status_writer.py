"""Writes changed status to the directory that the user asked for, outside of the event loop."""

import asyncio
import logging

from fairlead.status.conditions import Json
from fairlead.status.directory import StatusDirectory
from fairlead.status.store import ReportKey

_LOG = logging.getLogger(__name__)


class StatusWriter:
    """Collects what has changed while a write is under way, the newest of each object."""

    def __init__(self, directory: StatusDirectory) -> None:
        self._directory = directory
        self._pending: dict[ReportKey, Json] = {}
        self._wake = asyncio.Event()

    def put(self, changed: dict[ReportKey, Json]) -> None:
        """Hand in status by object; an empty one removes its file."""
        self._pending.update(changed)
        self._wake.set()

    async def run(self) -> None:
        """Write, for ever. A directory that can't be written is logged, and tried again."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self.flush()

    async def flush(self) -> None:
        """Write what is pending now."""
        changed, self._pending = self._pending, {}
        try:
            await asyncio.to_thread(self._directory.write, changed)
        except OSError as error:
            _LOG.error("cannot write status: %s", error)
