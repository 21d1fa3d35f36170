"""Writes status to a cluster's objects, as the leader.

In: what we tell (`StatusStore`), objects as they are in the cluster, and when either changes. Out:
merge patches of `.status` where something of ours differs, each on the very version that it was
compared with (`metadata.resourceVersion`). No more than `WRITERS` at a time; one object as often as
its `Pace` allows. What another controller writes causes a look, never a write.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

import msgspec

from fairlead.api import KIND_OF
from fairlead.providers.kube.client import KubeClient
from fairlead.providers.kube.errors import ApiError
from fairlead.providers.kube.paths import path_of
from fairlead.providers.kube.watch_event import decoded
from fairlead.status import merge
from fairlead.status.agenda import Agenda
from fairlead.status.condition_list import Turn
from fairlead.status.conditions import Json, Times
from fairlead.status.events import EVENT_KINDS, EventRecorder, regarding
from fairlead.status.merge import KINDS, SHARED_KINDS
from fairlead.status.objects import Live, Objects
from fairlead.status.pace import LONGEST, SHORTEST, Pace
from fairlead.status.store import ReportKey, StatusStore

_LOG = logging.getLogger(__name__)
WRITERS: Final = 16
_LOOK: Final = 1.0
"""Seconds between a change by others and our look at it."""
_TAKEOVER_RATE: Final = 1000.0
"""Objects compared in a second by one that begins to lead."""
SETTLING: Final = 5.0
"""Seconds of leading in which a Gateway does not lose `Programmed` for being under way.

Proxies that have been serving all the time need a moment to say so to a new leader.
"""
_STALE_WAIT: Final = 0.05
"""Seconds between two looks whether a change that we know of has come in."""
_STALE_LONGEST: Final = 1.0
_BACKOFF: Final = 0.25
_BACKOFF_UNREACHABLE: Final = 2.0
_BACKOFF_LONGEST: Final = 30.0
_REFUSED: Final = frozenset({400, 413, 422})
"""What was told is refused; something else may be taken."""
_CONFLICT: Final = 409
_NOT_FOUND: Final = 404

_Key: TypeAlias = tuple[str, str]


class Counts(msgspec.Struct):
    """What was done, since the start."""

    written: int = 0
    conflicts: int = 0
    failed: int = 0


class _State:
    """What is remembered of one object that was written."""

    __slots__ = ("failures", "futile", "looked", "not_before", "pace", "refused", "stale", "waits")

    def __init__(self) -> None:
        self.pace = Pace()
        self.looked = float("-inf")
        """When it was last compared."""
        self.stale = ""
        """The version that is known not to be the newest; empty if none is."""
        self.waits = 0
        """Looks in vain for a newer version."""
        self.failures = 0
        self.not_before = float("-inf")
        """When a write that failed may be tried again, whatever causes a look until then."""
        self.refused: tuple[float, Json] | None = None
        """When the API server refused what was told, and what that was."""
        self.futile = b""
        """A patch that the API server took without effect."""

    def held(self, told: Json) -> float:
        """Until when no write is tried; something else than was refused waits not as long."""
        if self.refused is None or self.refused[1] == told:
            return self.not_before
        return min(self.not_before, self.refused[0] + LONGEST)

    def wrote(self) -> None:
        """What failed before has been done."""
        self.failures, self.not_before, self.refused = 0, float("-inf"), None


class _Metadata(msgspec.Struct, rename="camel"):
    resource_version: str = ""
    generation: int = 0
    creation_timestamp: str = ""


class _Answer(msgspec.Struct):
    """An object as the API server returns it."""

    metadata: _Metadata
    status: msgspec.Raw = msgspec.Raw(b"")


class ClusterStatus:
    """Keeps the status of objects in a cluster as we tell it, while `run` runs.

    Args:
        store: what we tell.
        objects: what is in the cluster.
        client: of the API server.
        controller_name: whose entries are ours.
        events: told of conditions that turn.
        clock: seconds of a monotonic clock.
    """

    def __init__(
        self,
        store: StatusStore,
        objects: Objects,
        client: KubeClient,
        *,
        controller_name: str,
        events: EventRecorder,
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._objects = objects
        self._client = client
        self._controller_name = controller_name
        self._events = events
        self._clock = clock
        self.counts = Counts()
        self._leading = False
        self._settled = float("-inf")
        """When proxies have had the time to connect to this leader."""
        self._agenda: Agenda[ReportKey] = Agenda()
        self._states: dict[ReportKey, _State] = {}
        self._busy: set[ReportKey] = set()
        self._queue: asyncio.Queue[ReportKey] = asyncio.Queue(WRITERS)
        self._wake = asyncio.Event()

    def touched(self, keys: Iterable[ReportKey]) -> None:
        """Note objects of which we may have something else to tell."""
        if not self._leading:
            return
        now = self._clock()
        for key in keys:
            if key[0] in KINDS or key[0] in EVENT_KINDS:
                state = self._states.get(key)
                self._agenda.add(key, now if state is None else max(now, state.looked + SHORTEST))
        self._wake.set()

    def live_changed(self, kind: str, key: _Key) -> None:
        """Note an object whose status somebody has changed, we or others."""
        if not self._leading or kind not in KINDS:
            return
        found = (kind, *key)
        state = self._states.get(found)
        waiting = state is not None and state.stale
        self._agenda.add(found, self._clock() + (0.0 if waiting else _LOOK))
        self._wake.set()

    def lead(self, *, leading: bool) -> None:
        """Begin or end to write. Who begins compares everything once.

        Not to be called before the reports of all objects are in the store: what is not told there
        is taken back.
        """
        self._leading = leading
        self._settled = self._clock() + SETTLING
        self._events.lead(leading=leading)
        self._agenda.clear()
        self._states.clear()
        if leading:
            now = self._clock()
            for index, key in enumerate(self._everything()):
                self._agenda.add(key, now + index / _TAKEOVER_RATE)
        self._wake.set()

    async def run(self) -> None:
        """Write, for ever. What can't be written is tried again, ever more rarely."""
        async with asyncio.TaskGroup() as tasks:
            for _ in range(WRITERS):
                tasks.create_task(self._work())
            while True:
                await self._hand_out()

    def _everything(self) -> list[ReportKey]:
        """What we tell, and what may still hold entries of ours."""
        told = {key: None for key in self._store.told() if key[0] in KINDS or key[0] in EVENT_KINDS}
        others = ((kind, *key) for kind in sorted(SHARED_KINDS) for key in self._objects.keys(kind))
        return list(told | dict.fromkeys(others))

    async def _hand_out(self) -> None:
        """Give a writer the next object that is due, or wait for one."""
        now = self._clock()
        key = self._agenda.pop(now)
        if key is None:
            due = self._agenda.next()
            self._wake.clear()
            try:
                async with asyncio.timeout(None if due is None else max(0.0, due - now)):
                    await self._wake.wait()
            except TimeoutError:
                return
        elif key in self._busy:
            self._agenda.add(key, now + SHORTEST)
        else:
            self._busy.add(key)
            await self._queue.put(key)

    async def _work(self) -> None:
        while True:
            key = await self._queue.get()
            try:
                await self._settle(key)
            finally:
                self._busy.discard(key)
            await asyncio.sleep(0)

    async def _settle(self, key: ReportKey) -> None:
        """Compare one object, and write what differs if it is time to."""
        kind, *rest = key
        live = self._objects.live(kind, (rest[0], rest[1]))
        if live is None or not self._leading:
            self._forget(key)
            return
        if kind in EVENT_KINDS:
            about = regarding(key, self._objects.served(kind), live.uid)
            self._events.refused(about, self._store.get(key))
            return
        state = self._states.setdefault(key, _State())
        now = self._clock()
        if state.stale == live.resource_version:
            wait = min(_STALE_LONGEST, _STALE_WAIT * 2.0 ** min(state.waits, 10))
            state.waits += 1
            self._later(key, now + wait)
            return
        state.stale, state.waits, state.looked = "", 0, now
        told = self._store.get(key)
        try:
            merged = self._compare(key, live, told)
        except msgspec.MsgspecError as error:
            _LOG.error("%s: its status in the cluster can't be read: %s", "/".join(key), error)
            return
        if merged is None or _bytes(merged) == state.futile:
            state.failures = 0
            if merged is None and state.pace.calm(now):
                del self._states[key]  # most objects have nothing to be remembered
            return
        due = max(state.pace.due(now, urgent=merged.urgent), state.held(told))
        if any(_loses_programmed(turn) for turn in merged.turns):
            due = max(due, self._settled)
        if due > now:
            self._later(key, due)
            return
        await self._write(key, state, live, (told, merged))

    def _compare(self, key: ReportKey, live: Live, told: Json) -> merge.Merged | None:
        outcome = self._merge(key, live.status, told, (live.generation, live.created))
        about = regarding(key, self._objects.served(key[0]), live.uid)
        self._events.left_out(about, outcome.left_out)
        return outcome.merged

    def _merge(
        self, key: ReportKey, live: bytes, told: Json, about: tuple[int, str]
    ) -> merge.Outcome:
        """`about` are generation and creation of the object."""
        return merge.merge(
            key[0],
            live,
            told,
            controller_name=self._controller_name,
            generation=about[0],
            created=about[1],
        )

    async def _write(
        self, key: ReportKey, state: _State, live: Live, outcome: tuple[Json, merge.Merged]
    ) -> None:
        """Write what came of what was told; both are in `outcome`."""
        told, merged = outcome
        version = live.resource_version
        patch = {"metadata": {"resourceVersion": version}, "status": merged.patch}
        kind, namespace, name = key
        served = self._objects.served(kind)
        path = path_of(served, KIND_OF[kind].plural, namespace, name, "status")
        try:
            text = await self._client.merge_patch(path, patch)
            answer = decoded(text, _Answer, path)
        except ApiError as error:
            self._failed(key, state, version, error)
            if error.code in _REFUSED:
                state.refused = (self._clock(), told)
            return
        self.counts.written += 1
        state.pace.wrote(self._clock(), urgent=merged.urgent)
        state.wrote()
        if answer.metadata.resource_version != version:
            state.stale = version
        self._check(key, state, answer, told)
        self._events.turned(regarding(key, served, live.uid), merged.turns)

    def _check(self, key: ReportKey, state: _State, answer: _Answer, told: Json) -> None:
        """Remember a patch of which the API server left something out, lest it be sent again.

        What is told may be another by now: what counts is what the patch was made from.
        """
        state.futile = b""
        # An answer that is no status says nothing; the next look compares with what comes in.
        about = (answer.metadata.generation, answer.metadata.creation_timestamp)
        with contextlib.suppress(msgspec.MsgspecError):
            left = self._merge(key, bytes(answer.status), told, about).merged
            state.futile = b"" if left is None else _bytes(left)

    def _failed(self, key: ReportKey, state: _State, version: str, error: ApiError) -> None:
        """Try again when that makes sense."""
        now = self._clock()
        if error.code == _CONFLICT:
            self.counts.conflicts += 1
            state.stale = version
            self._later(key, now + _STALE_WAIT)
            return
        self.counts.failed += 1
        longest = _BACKOFF_LONGEST if error.code else _BACKOFF_UNREACHABLE
        # Once is common: the object was deleted, and that has not come in. It may also be served
        # under another version by now, where it is as it was: then nothing would come in.
        told = 1 if error.code == _NOT_FOUND else 0
        level = logging.WARNING if state.failures == told else logging.DEBUG
        _LOG.log(level, "%s: its status can't be written: %s", "/".join(key), error)
        wait = min(longest, _BACKOFF * 2.0 ** min(state.failures, 10))
        state.failures += 1
        asked = min(error.retry_after or 0.0, _BACKOFF_LONGEST)
        state.not_before, state.refused = now + max(wait, asked), None
        self._later(key, state.not_before)

    def _later(self, key: ReportKey, due: float) -> None:
        self._agenda.add(key, due)
        self._wake.set()

    def _forget(self, key: ReportKey) -> None:
        self._states.pop(key, None)
        self._events.gone(key)


def recall(objects: Objects, controller_name: str) -> Callable[[ReportKey], Times]:
    """What `StatusStore` asks at an object's first report: when its conditions flipped."""

    def times(key: ReportKey) -> Times:
        kind, namespace, name = key
        live = objects.live(kind, (namespace, name)) if kind in KINDS else None
        if live is None:
            return ()
        try:
            return merge.times(kind, live.status, controller_name)
        except msgspec.MsgspecError:
            return ()

    return times


def _loses_programmed(turn: Turn) -> bool:
    before, after = turn.before, turn.after
    held = turn.type == "Programmed" and before is not None and before.status == "True"
    return held and after is not None and after.reason == "Pending"


def _bytes(merged: merge.Merged) -> bytes:
    patch: Json = merged.patch
    return msgspec.json.encode(patch)
