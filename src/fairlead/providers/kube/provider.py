"""The kube provider: every kind that is read, kept up to date, as batches.

Nothing is handed out before every kind that the cluster has was listed whole and everything that
Gateways point to was looked for; nothing is taken away but what a whole list, an event, or the
resource's own absence says is gone. A kind that has trouble waits alone.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from random import Random
from typing import Final

from fairlead import api
from fairlead.providers.batch import Batch, Key
from fairlead.providers.kube.backoff import Backoff
from fairlead.providers.kube.client import KubeClient
from fairlead.providers.kube.decoding import Live
from fairlead.providers.kube.discovery import Discovery, Resource, best
from fairlead.providers.kube.errors import ApiError
from fairlead.providers.kube.informer import Informer, InformerState
from fairlead.providers.kube.paths import path_of
from fairlead.providers.kube.references import Ours, Referent
from fairlead.providers.kube.referent import ReferentReader
from fairlead.providers.kube.store import Store

_LOG = logging.getLogger(__name__)
_LOOK_SECONDS: Final = 5.0
"""Seconds between two looks at which kinds are served."""
_TIMES_ABSENT: Final = 2
"""Looks in a row after which a kind that was there counts as gone."""
_MOST_WATCHED: Final = 400
"""Secrets and ConfigMaps that are watched; those beyond are read once a minute."""
_BY_REFERENCE: Final = frozenset({"Secret", "ConfigMap"})
KINDS: Final = tuple(kind for kind in api.KINDS if kind.kind not in {*_BY_REFERENCE, "Deployment"})
"""Kinds that are listed and watched."""


def _nobody(_kind: str, _key: Key) -> None:
    pass


class _Follower:
    """One kind: its informer while it is served."""

    def __init__(self, informer: Informer, version: str, task: asyncio.Task[None]) -> None:
        self.informer = informer
        self.version = version
        self.task = task
        self.missed = 0
        """Looks in a row at which it was not served."""


class KubeProvider:
    """Objects of a cluster. `run` in one task; `load`, then iterate over `changes`, in another.

    Args:
        client: inside `async with` for as long as `run` runs.
        ours: which Gateways' Secrets and ConfigMaps are read.
        kinds: that are listed and watched.
        random: for pauses.
    """

    def __init__(
        self,
        client: KubeClient,
        ours: Ours,
        *,
        kinds: tuple[api.Kind, ...] = KINDS,
        random: Random | None = None,
    ) -> None:
        self._client = client
        self._kinds = kinds
        self._random = random or Random()  # noqa: S311 - pauses, no secrets
        self._discovery = Discovery(client)
        self._followers: dict[str, _Follower] = {}
        self._absent: set[str] = set()
        self._readers: dict[Referent, asyncio.Task[None]] = {}
        self._changed = asyncio.Event()
        self._error = ""
        self.on_status: Callable[[str, Key], None] = _nobody
        """Called with kind and key when the live status of an object has changed."""
        self._store = Store(ours, self._tell_status)
        self._loaded = False

    # What is asked

    async def load(self) -> Batch:
        """Everything, once all of it is there; waits for as long as that takes."""
        while not self.synced:
            await self._changed.wait()
            self._changed.clear()
        return self._store.flush()

    async def changes(self) -> AsyncIterator[Batch]:
        """What changes from `load` on; never ends. Nothing is missed while a batch is handled."""
        while True:
            if batch := self._store.flush():
                yield batch
                continue
            await self._changed.wait()
            self._changed.clear()

    @property
    def synced(self) -> bool:
        """Whether every kind has been listed whole and every referent been looked for, once."""
        self._loaded = self._loaded or not self.waiting_for
        return self._loaded

    @property
    def waiting_for(self) -> tuple[str, ...]:
        """What has not been read yet, in words; empty once all is known."""
        missing = tuple(kind.kind for kind in self._kinds if not self._is_known(kind))
        if missing or self._store.answered:
            return missing
        return ("Secrets and ConfigMaps that are referred to",)

    def problems(self) -> tuple[api.Problem, ...]:
        """Objects that cannot be read, by kind and key."""
        return self._store.problems()

    def live(self, kind: str, key: Key) -> Live | None:
        """Identity, version and status of an object as the server last told; None if gone."""
        return self._store.live(kind, key)

    def keys(self, kind: str) -> tuple[Key, ...]:
        """Namespace and name of every object of a kind."""
        return self._store.keys(kind)

    def ending(self, namespace: str) -> bool:
        """Whether a namespace is being deleted: nothing can be created there."""
        return self._store.ending(namespace)

    def served(self, kind: str) -> str:
        """The `apiVersion` under which a kind is followed; empty if it is not served."""
        follower = self._followers.get(kind)
        return follower.version if follower is not None else ""

    @property
    def states(self) -> Mapping[str, InformerState]:
        """How each kind that is served is doing, for logs, metrics and readiness."""
        return {name: each.informer.state for name, each in sorted(self._followers.items())}

    @property
    def error(self) -> str:
        """Why it cannot be told which kinds are served; empty if it can."""
        return self._error

    # What runs

    async def run(self) -> None:
        """Follow the cluster, for ever; errors of the server are waited out."""
        backoff = Backoff(self._random)
        async with asyncio.TaskGroup() as tasks:
            while True:
                pause = _LOOK_SECONDS
                try:
                    await self._look(tasks, await self._discovery.read())
                    backoff.reset()
                    self._error = ""
                except ApiError as error:
                    if str(error) != self._error:
                        _LOG.warning("discovery: %s", error)
                    self._error = str(error)
                    pause = backoff.pause(error.retry_after)
                await asyncio.sleep(pause)

    async def _look(self, tasks: asyncio.TaskGroup, served: frozenset[Resource]) -> None:
        """Compare what is followed with what is served.

        Raises:
            ApiError: It cannot be told of a kind whether it is served; the others are done.
        """
        trouble: ApiError | None = None
        for kind in self._kinds:
            try:
                if version := best(kind, served):
                    self._absent.discard(kind.kind)
                    self._follow(tasks, kind, version)
                elif kind.kind in self._absent:
                    continue
                elif await self._discovery.is_absent(kind):
                    await self._miss(kind)
                elif kind.kind in self._followers:
                    self._followers[kind.kind].missed = 0
            except ApiError as error:
                trouble = error
        self._refer(tasks)
        if trouble is not None:
            raise trouble

    async def _miss(self, kind: api.Kind) -> None:
        """The kind is not served; once that is certain, its objects are gone."""
        follower = self._followers.get(kind.kind)
        if follower is not None:
            follower.missed += 1
            if follower.missed < _TIMES_ABSENT:
                return
            _LOG.warning("%s is served no more", kind.kind)
            follower.task.cancel()
            await asyncio.wait([follower.task])
            del self._followers[kind.kind]
            follower.informer.forget()
        self._absent.add(kind.kind)
        self._changed.set()

    def _follow(self, tasks: asyncio.TaskGroup, kind: api.Kind, version: str) -> None:
        """Start to follow a kind, or go on with another version of it."""
        path = path_of(version, kind.plural)
        follower = self._followers.get(kind.kind)
        if follower is not None and follower.version == version:
            follower.missed = 0
            return
        if follower is None:
            informer = Informer(
                self._client,
                path,
                lambda key, data: self._take(kind, key, data),
                on_settled=lambda: self._settle(tasks, kind),
                random=self._random,
            )
        else:
            informer = follower.informer
            follower.task.cancel()
            informer.move(path)
        task = tasks.create_task(informer.run(), name=f"informer {kind.kind}")
        self._followers[kind.kind] = _Follower(informer, version, task)

    def _is_known(self, kind: api.Kind) -> bool:
        follower = self._followers.get(kind.kind)
        return kind.kind in self._absent if follower is None else follower.informer.synced

    def _take(self, kind: api.Kind, key: Key, data: bytes | None) -> None:
        if data is None:
            self._store.drop(kind, key)
        else:
            self._store.put(kind, key, data)

    def _settle(self, tasks: asyncio.TaskGroup, kind: api.Kind) -> None:
        self._store.commit(kind.kind)
        self._changed.set()
        self._refer(tasks)

    def _refer(self, tasks: asyncio.TaskGroup) -> None:
        """Read what is referred to, as soon as all that may refer or permit is known."""
        if not (self._loaded or all(self._is_known(kind) for kind in self._kinds)):
            return
        wanted = self._store.referents()
        if wanted == self._readers.keys():
            return
        for referent in sorted(self._readers.keys() - wanted):
            self._readers.pop(referent).cancel()
            self._take_referent(referent, None)
        for referent in sorted(wanted - self._readers.keys()):
            self._readers[referent] = tasks.create_task(
                self._reader(referent).run(), name=f"reader of {referent}"
            )

    def _reader(self, referent: Referent) -> ReferentReader:
        kind, key = referent
        return ReferentReader(
            self._client,
            api.KIND_OF[kind].plural,
            key,
            lambda data: self._take_referent(referent, data),
            lambda: self._take_referent(referent, None, forbidden=True),
            random=self._random,
            watched=len(self._readers) < _MOST_WATCHED,
        )

    def _take_referent(
        self, referent: Referent, data: bytes | None, *, forbidden: bool = False
    ) -> None:
        kind, key = referent
        self._take(api.KIND_OF[kind], key, data)
        self._store.commit(kind)
        if referent in self._readers:
            self._store.answer(referent, forbidden=forbidden)
        self._changed.set()

    def _tell_status(self, kind: str, key: Key) -> None:
        self.on_status(kind, key)
