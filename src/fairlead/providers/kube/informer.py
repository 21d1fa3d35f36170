"""A copy of one resource, kept up to date: list in pages, then watch, resume, list again.

In: a client and a path. Out: calls of `on_change`, for each object that appeared, changed or went
away, and of `on_settled` at each moment at which the copy is one that the server had. What is known
stays while the server is away, and goes only when a whole list or an event says so.

The first list may come from the API server's cache (`resourceVersion=0`), as controllers commonly
do: it may be a moment old, the watch brings the rest. Reading thousands of custom resources from
etcd costs an API server six times as much. Later lists are current, so that nothing goes back.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import aclosing
from random import Random
from typing import Any, Final, Literal, TypeAlias

import msgspec

from fairlead.providers.kube.backoff import Backoff
from fairlead.providers.kube.client import KubeClient
from fairlead.providers.kube.errors import ApiError, UnreachableError
from fairlead.providers.kube.known import Key, Known
from fairlead.providers.kube.watch_event import WatchEvent, decoded, identity, refusal

_LOG = logging.getLogger(__name__)
PAGE: Final = 500
"""Objects asked for at once."""
_SLICE: Final = 0.01
"""Seconds for which objects may be handled before others get their turn."""
_STEADY: Final = 1.0
"""Seconds that a watch has to last to count as a good one."""
_WATCH_SECONDS: Final = (240, 480)
"""Between these the server shall end a watch, so that connections spread over its replicas."""
_GONE: Final = frozenset({400, 410})
"""The version or the page that is asked for is there no longer."""

OnChange: TypeAlias = Callable[[Key, bytes | None], None]
"""Key and JSON of an object; None when it is gone."""


class _ListMeta(msgspec.Struct, rename="camel"):
    resource_version: str
    continue_: str = msgspec.field(default="", name="continue")


class _Page(msgspec.Struct):
    """A list. What has no version or items is none, whatever its status says."""

    metadata: _ListMeta
    items: list[msgspec.Raw] | None


class InformerState(msgspec.Struct, frozen=True):
    """How an informer is doing."""

    path: str
    phase: Literal["listing", "watching", "waiting"] = "listing"
    synced: bool = False
    """Whether the copy has been complete once."""
    objects: int = 0
    resource_version: str = ""
    error: str = ""
    """Why the last try failed; empty if it did not."""
    lists: int = 0
    """Complete ones."""
    watches: int = 0
    events: int = 0
    errors: int = 0


class Informer:
    """Keeps a copy of one resource. `run` in one task; the callbacks come from there.

    Args:
        client: inside `async with`.
        path: of the collection, from `path_of`.
        on_change: takes what is new; must not block.
        on_settled: called after a whole list, and after each event that was news.
        query: selectors, such as `labelSelector`.
        random: for pauses.
        page: objects asked for at once.
    """

    def __init__(
        self,
        client: KubeClient,
        path: str,
        on_change: OnChange,
        *,
        on_settled: Callable[[], None] = lambda: None,
        query: Mapping[str, str] = {},
        random: Random | None = None,
        page: int = PAGE,
    ) -> None:
        self._client = client
        self._path = path
        self._on_change = on_change
        self._on_settled = on_settled
        self._query = dict(query)
        self._random = random or Random()  # noqa: S311 - pauses, no secrets
        self._page = page
        self._known = Known()
        self._backoff = Backoff(self._random)
        self._synced = asyncio.Event()
        self._version = ""
        self._state = InformerState(path)
        self._until = 0.0

    @property
    def synced(self) -> bool:
        """Whether the copy has been complete once."""
        return self._synced.is_set()

    async def wait_synced(self) -> None:
        """Wait until the copy has been complete once."""
        await self._synced.wait()

    @property
    def state(self) -> InformerState:
        """How it is doing, for logs, metrics and readiness."""
        return msgspec.structs.replace(
            self._state,
            objects=len(self._known),
            resource_version=self._version,
            synced=self.synced,
        )

    async def run(self) -> None:
        """Keep the copy up to date, for ever; errors of the server are waited out."""
        while True:
            try:
                if not self._version:
                    await self._list()
                await self._watch()
            except ApiError as error:
                if error.code in _GONE and self._version:
                    _LOG.info("%s: listing again: %s", self._path, error)
                    self._version = ""
                await self._wait(error)

    def move(self, path: str) -> None:
        """Go on with another path for the same objects, as for another version; not in `run`."""
        self._path, self._version = path, ""
        self._update(path=path)

    def forget(self) -> None:
        """Report every object as gone; for a resource that is served no more."""
        self._version = ""
        self._known.begin_list()
        for key in self._known.end_list():
            self._on_change(key, None)
        self._on_settled()

    # Lists

    async def _list(self) -> None:
        """Go through all pages; only a list that is complete takes objects away."""
        self._update(phase="listing")
        self._known.begin_list()
        token, version = "", ""
        while True:
            try:
                found = await self._read_page(token)
            except ApiError as error:
                if error.code not in _GONE or not token:
                    raise
                _LOG.info("%s: listing from the start: %s", self._path, error)
                await self._wait(error)
                self._known.begin_list()
                token, version = "", ""
                continue
            version = version or found.metadata.resource_version
            for raw in found.items or ():
                await self._breathe()
                key, held = identity(raw, self._path)
                if self._known.listed(key, held):
                    self._on_change(key, bytes(raw))
            token = found.metadata.continue_
            if not token:
                break
        for key in self._known.end_list():
            self._on_change(key, None)
        self._version = version
        self._update(lists=self._state.lists + 1, error="")
        self._synced.set()
        self._on_settled()

    async def _read_page(self, token: str) -> _Page:
        """One page, however often it takes; a restart from the first would take longer still."""
        query = {**self._query, "limit": str(self._page)}
        if token:
            query["continue"] = token
        elif not self._state.lists:
            query["resourceVersion"] = "0"
        while True:
            try:
                data = await self._client.request("GET", self._path, query=query)
                return decoded(data, _Page, self._path)
            except ApiError as error:
                if not token or error.code in _GONE:
                    raise
                await self._wait(error)

    # Watches

    async def _watch(self) -> None:
        """Take events until the server ends the watch.

        Raises:
            ApiError: It ended in another way, or at once.
        """
        query = {
            **self._query,
            "resourceVersion": self._version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(self._random.randint(*_WATCH_SECONDS)),
        }
        clock = asyncio.get_running_loop().time
        started, events = clock(), self._state.events
        self._update(phase="watching", watches=self._state.watches + 1)
        try:
            async with aclosing(self._client.watch(self._path, query)) as lines:
                async for line in lines:
                    self._take(decoded(line, WatchEvent, self._path))
                    await self._breathe()
        finally:
            if clock() - started > _STEADY or self._state.events > events:
                self._backoff.reset()
        if clock() - started < _STEADY and self._state.events == events:
            raise UnreachableError(f"watch of {self._path}: ended as soon as it began")

    def _take(self, event: WatchEvent) -> None:
        if event.type == "ERROR":
            raise refusal(event.object, self._path)
        key, version = identity(event.object, self._path)
        self._update(events=self._state.events + 1, error="")
        if event.type == "BOOKMARK":
            self._known.up_to_date()
        else:
            gone = event.type == "DELETED"
            if not (self._known.removed if gone else self._known.changed)(key, version):
                return
            self._on_change(key, None if gone else bytes(event.object))
            self._on_settled()
        self._version = version[1]

    # Both

    async def _wait(self, error: ApiError) -> None:
        if str(error) != self._state.error:
            _LOG.warning("%s: %s", self._path, error)
        self._update(phase="waiting", error=str(error), errors=self._state.errors + 1)
        await asyncio.sleep(self._backoff.pause(error.retry_after))

    async def _breathe(self) -> None:
        """Give way where objects have been handled for a while."""
        now = asyncio.get_running_loop().time()
        if now > self._until:
            await asyncio.sleep(0)
            self._until = asyncio.get_running_loop().time() + _SLICE

    def _update(self, **changes: Any) -> None:  # noqa: ANN401 - fields of InformerState
        self._state = msgspec.structs.replace(self._state, **changes)
