"""One Secret or ConfigMap, read by name and followed for as long as something points to it.

A watch is opened first and the object is read then, so nothing falls between the two; it needs no
permission to list.
"""

import asyncio
import logging
from collections.abc import Callable
from random import Random
from typing import Final

import msgspec

from fairlead.providers.kube.backoff import Backoff
from fairlead.providers.kube.client import KubeClient
from fairlead.providers.kube.errors import ApiError, UnreachableError
from fairlead.providers.kube.known import Key, Known
from fairlead.providers.kube.paths import path_of
from fairlead.providers.kube.watch_event import WatchEvent, decoded, identity, refusal

_LOG = logging.getLogger(__name__)
_NOT_FOUND: Final = 404
_FORBIDDEN: Final = 403
_WATCH_SECONDS: Final = (240, 480)
_UNTIL_ALLOWED: Final = 10.0
"""Seconds between two tries to read what we may not."""
_DOUBT: Final = 3.0
"""Seconds of refusals after which it counts: a server that starts refuses what it will grant."""
_POLL_SECONDS: Final = (45, 75)
_MOST_ABSENT: Final = 60.0
"""Seconds between two tries to read what is not there, at most: as long as it has been missing."""
_STEADY: Final = 1.0
"""Seconds that a watch has to last to count as a good one."""


class ReferentReader:
    """Reads and follows one object. `run` in one task.

    Args:
        client: inside `async with`.
        plural: `secrets` or `configmaps`.
        key: of the object.
        on_change: takes its JSON, or None when it is not there.
        on_forbidden: called instead when it may not be read, and could not before. One of the two
            is called at least once, as soon as that is known.
        random: for pauses.
        watched: else it is read once a minute, which saves the server a connection; sooner while
            it is not there.
    """

    def __init__(
        self,
        client: KubeClient,
        plural: str,
        key: Key,
        on_change: Callable[[bytes | None], None],
        on_forbidden: Callable[[], None],
        *,
        random: Random,
        watched: bool = True,
    ) -> None:
        self._client = client
        self._collection = path_of("v1", plural, key[0])
        self._path = path_of("v1", plural, *key)
        self._key = key
        self._on_change = on_change
        self._on_forbidden = on_forbidden
        self._random = random
        self._watched = watched
        self._known = Known()
        self._backoff = Backoff(random)
        self._absence = Backoff(random, most=_MOST_ABSENT)
        self._error = ""
        self._forbidden: float | None = None
        """Since when reading is refused."""

    async def run(self) -> None:
        """Follow the object, for ever; errors of the server are waited out."""
        while True:
            try:
                if self._watched:
                    await self._watch()
                else:
                    await self._read()
                    await asyncio.sleep(self._until_next())
            except ApiError as error:
                if str(error) != self._error:
                    _LOG.warning("%s: %s", self._path, error)
                    self._error = str(error)
                counts = error.code == _FORBIDDEN and self._is_refused()
                asked = _UNTIL_ALLOWED if counts else error.retry_after
                await asyncio.sleep(self._backoff.pause(asked))

    def _until_next(self) -> float:
        """Seconds until an object that is not watched is read again."""
        if not len(self._known):
            return self._absence.pause()
        self._absence.reset()
        return self._random.uniform(*_POLL_SECONDS)

    def _is_refused(self) -> bool:
        """Whether there is no doubt any more that the object may not be read; tells of it then."""
        now = asyncio.get_running_loop().time()
        self._forbidden = self._forbidden or now
        if now - self._forbidden < _DOUBT:
            return False
        if not len(self._known):
            self._on_forbidden()
        return True

    async def _watch(self) -> None:
        query = {
            "fieldSelector": f"metadata.name={self._key[1]}",
            "timeoutSeconds": str(self._random.randint(*_WATCH_SECONDS)),
            # From whatever the server has at hand: the newest, and bookmarks with it, would take a
            # feature of its storage that not all have. What is older than what is read below counts
            # for nothing.
            "resourceVersion": "0",
        }
        clock = asyncio.get_running_loop().time
        async with self._client.open_watch(self._collection, query) as lines:
            await self._read()
            started = clock()
            async for line in lines:
                self._take(decoded(line, WatchEvent, self._path))
        if clock() - started < _STEADY:
            raise UnreachableError(f"watch of {self._path}: ended as soon as it began")
        self._backoff.reset()

    async def _read(self) -> None:
        try:
            data = await self._client.get(self._path)
        except ApiError as error:
            if error.code != _NOT_FOUND:
                raise
            self._forbidden = None
            self._absent()
            return
        self._forbidden = None
        key, version = identity(msgspec.Raw(data), self._path)
        if key != self._key:
            raise UnreachableError(f"{self._path}: the answer is about another object")
        self._known.begin_list()
        if self._known.listed(self._key, version):
            self._on_change(data)
        self._known.end_list()
        self._error = ""

    def _absent(self) -> None:
        self._known.begin_list()
        self._known.end_list()
        self._on_change(None)

    def _take(self, event: WatchEvent) -> None:
        if event.type == "ERROR":
            raise refusal(event.object, self._path)
        if event.type == "BOOKMARK":
            return
        key, version = identity(event.object, self._path)
        gone = event.type == "DELETED"
        if key == self._key and (self._known.removed if gone else self._known.changed)(
            key, version
        ):
            self._on_change(None if gone else bytes(event.object))
