"""Events on users' objects (events.k8s.io/v1), sent by the leader.

In: turns of conditions as they are written to status, and refusals of kinds whose status is not
ours. Out: Events, at most `MOST_PENDING` waiting. A condition has to stay turned for `HOLD`
seconds, so that objects which are applied in any order cause no noise; what is repeated counts up
in a series; of one object no more than `BURST` are told at once.
"""

import asyncio
import hashlib
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

import msgspec

from fairlead.api import KIND_OF
from fairlead.providers.kube.client import KubeClient
from fairlead.providers.kube.errors import ApiError
from fairlead.providers.kube.paths import path_of
from fairlead.providers.kube.watch_event import decoded
from fairlead.status import event_rules
from fairlead.status.agenda import Agenda
from fairlead.status.condition_list import Told, Turn
from fairlead.status.conditions import Clock, Json, micro_timestamp, system_clock
from fairlead.status.event_rules import News
from fairlead.status.merge import LeftOut
from fairlead.status.store import ReportKey

_LOG = logging.getLogger(__name__)
HOLD: Final = 1.0
"""Seconds for which a condition stays turned before it is told."""
MOST_PENDING: Final = 1000
BURST: Final = 8.0
"""Events of one object that may follow each other at once."""
_REFILL: Final = 30.0
"""Seconds for each further one."""
_REMEMBERED: Final = 2000
"""Events that are remembered, to count them up."""
_RETRY: Final = 2.0
_RETRY_LONGEST: Final = 30.0
"""Seconds that a server may ask for."""
_TRIES: Final = 5
_VERSION: Final = "events.k8s.io/v1"
_EXISTS: Final = 409
_LATER: Final = frozenset({0, 429, 500, 502, 503, 504})

EVENT_KINDS: Final = frozenset({"DestinationRule"})
"""Kinds whose status others write, or nobody: what we refuse of them is told by Events alone."""

_Place: TypeAlias = tuple[ReportKey, str, str]
"""Object, place in it, type of the condition."""


class Regarding(msgspec.Struct, frozen=True):
    """The object that an Event is about."""

    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str


class _Pending(msgspec.Struct, frozen=True):
    regarding: Regarding
    what: Turn | News
    quiet: bool
    """Not to be counted up if it is there already."""


class _Series(msgspec.Struct):
    count: int = 1


class _Event(msgspec.Struct):
    """What is read of an Event that exists."""

    series: _Series | None = None


class EventRecorder:
    """Sends Events while `run` runs and this replica leads.

    Args:
        client: of the API server.
        controller_name: `reportingController`.
        instance: `reportingInstance`, the pod's name.
        clock: seconds of a monotonic clock.
        now: the present time.
        ending: whether a namespace is being deleted: the API server takes no Events there.
    """

    def __init__(
        self,
        client: KubeClient,
        *,
        controller_name: str,
        instance: str,
        clock: Callable[[], float],
        now: Clock = system_clock,
        ending: Callable[[str], bool] = lambda _namespace: False,
    ) -> None:
        self._client = client
        self._controller_name = controller_name
        self._instance = instance[:128]
        self._clock = clock
        self._now = now
        self._ending = ending
        self._leading = False
        self._agenda: Agenda[_Place] = Agenda()
        self._pending: dict[_Place, _Pending] = {}
        self._counts: OrderedDict[str, int] = OrderedDict()
        self._allowance: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._refused: dict[ReportKey, dict[str, Told]] = {}
        self._full: dict[ReportKey, tuple[LeftOut, ...]] = {}
        self._wake = asyncio.Event()

    def lead(self, *, leading: bool) -> None:
        """Begin or end to send."""
        self._leading = leading
        self._agenda.clear()
        self._pending.clear()
        self._refused.clear()
        self._full.clear()

    def turned(self, regarding: Regarding, turns: Iterable[Turn]) -> None:
        """Note conditions that have turned, as they were written to the object's status."""
        for turn in event_rules.told(turns):
            place = (_key(regarding), turn.place, turn.type)
            self._note(place, regarding, turn, quiet=False)

    def left_out(self, regarding: Regarding, left_out: tuple[LeftOut, ...]) -> None:
        """Note entries for which an object's status has no room; each is told once."""
        key = _key(regarding)
        known = self._full.pop(key, ())
        if left_out:
            self._full[key] = left_out
        for each in left_out:
            if each not in known:
                place = (key, each.reference, each.field)
                self._note(place, regarding, event_rules.no_room(each), quiet=True)

    def refused(self, regarding: Regarding, status: Json) -> None:
        """Note the conditions of an object of `EVENT_KINDS`, all of them."""
        key = _key(regarding)
        known = self._refused.get(key)
        said = {
            each["type"]: Told(each["status"], each["reason"], each["message"])
            for each in status.get("conditions", ())
        }
        self._refused[key] = said
        before = known or {}
        turns = [
            Turn("", kind, before.get(kind), said.get(kind))
            for kind in sorted({*before, *said})
            if before.get(kind) != said.get(kind)
        ]
        for turn in event_rules.told(turns):
            place = (key, turn.place, turn.type)
            self._note(place, regarding, turn, quiet=known is None)

    def gone(self, key: ReportKey) -> None:
        """Forget an object."""
        self._refused.pop(key, None)
        self._full.pop(key, None)

    async def run(self) -> None:
        """Send, for ever. What the API server refuses is dropped, what it can't take waits."""
        while True:
            place = self._agenda.pop(self._clock())
            if place is not None:
                await self._tell(place)
                continue
            due = self._agenda.next()
            self._wake.clear()
            try:
                async with asyncio.timeout(None if due is None else due - self._clock()):
                    await self._wake.wait()
            except TimeoutError:
                continue

    def _note(self, place: _Place, regarding: Regarding, what: Turn | News, *, quiet: bool) -> None:
        """Let something be told once it has lasted, with what was there before it began."""
        earlier = self._pending.get(place)
        if not self._leading or (earlier is None and len(self._pending) >= MOST_PENDING):
            return
        if earlier is not None and isinstance(earlier.what, Turn) and isinstance(what, Turn):
            what = msgspec.structs.replace(what, before=earlier.what.before)
        self._pending[place] = _Pending(regarding, what, quiet)
        self._agenda.add(place, self._clock() + HOLD)
        self._wake.set()

    async def _tell(self, place: _Place) -> None:
        pending = self._pending.pop(place, None)
        if pending is None:
            return
        what, about = pending.what, pending.regarding
        said = event_rules.news(what) if isinstance(what, Turn) else what
        if said is None or self._ending(about.namespace) or not self._allowed(about.uid):
            return
        for _ in range(_TRIES):
            if not self._leading:
                return
            try:
                await self._send(pending, said)
            except ApiError as error:
                if error.code not in _LATER:
                    _LOG.debug("event dropped: %s", error)
                    return
                await asyncio.sleep(min(error.retry_after or _RETRY, _RETRY_LONGEST))
            else:
                return

    async def _send(self, pending: _Pending, said: News) -> None:
        """Create the Event, or count it up."""
        regarding = pending.regarding
        name = event_name(regarding, said)
        collection = path_of(_VERSION, "events", regarding.namespace or "default")
        if name not in self._counts:
            try:
                await self._client.create(collection, self._event(name, regarding, said))
            except ApiError as error:
                if error.code != _EXISTS:
                    raise
                if pending.quiet:
                    return
                found = await self._client.get(f"{collection}/{name}")
                series = decoded(found, _Event, f"{collection}/{name}").series
                self._remember(name, series.count if series else 1)
            else:
                self._remember(name, 1)
                return
        count = self._counts[name] + 1
        series = {"count": count, "lastObservedTime": micro_timestamp(self._now())}
        try:
            await self._client.merge_patch(f"{collection}/{name}", {"series": series})
        except ApiError as error:
            if error.code in _LATER:
                raise
            del self._counts[name]  # it has expired: the next one is new
            await self._client.create(collection, self._event(name, regarding, said))
            count = 1
        self._remember(name, count)

    def _event(self, name: str, regarding: Regarding, said: News) -> Json:
        return {
            "apiVersion": _VERSION,
            "kind": "Event",
            "metadata": {
                "name": name,
                "namespace": regarding.namespace or "default",
                "labels": {"app.kubernetes.io/managed-by": "fairlead"},
            },
            "eventTime": micro_timestamp(self._now()),
            "reportingController": self._controller_name,
            "reportingInstance": self._instance,
            "action": said.action,
            "reason": said.reason,
            "regarding": {
                "apiVersion": regarding.api_version,
                "kind": regarding.kind,
                "namespace": regarding.namespace,
                "name": regarding.name,
                "uid": regarding.uid,
            },
            "note": said.note,
            "type": said.type,
        }

    def _remember(self, name: str, count: int) -> None:
        self._counts[name] = count
        self._counts.move_to_end(name)
        while len(self._counts) > _REMEMBERED:
            self._counts.popitem(last=False)

    def _allowed(self, uid: str) -> bool:
        """Whether one more Event of an object may go out now."""
        now = self._clock()
        left, last = self._allowance.get(uid, (BURST, now))
        left = min(BURST, left + (now - last) / _REFILL)
        allowed = left >= 1
        self._allowance[uid] = (left - 1 if allowed else left, now)
        self._allowance.move_to_end(uid)
        while len(self._allowance) > _REMEMBERED:
            self._allowance.popitem(last=False)
        return allowed


def regarding(key: ReportKey, api_version: str, uid: str) -> Regarding:
    """The object that is named by a report's key.

    Args:
        key: of the report.
        api_version: under which the cluster serves it; empty for the one that is stored.
        uid: of the object.
    """
    kind, namespace, name = key
    return Regarding(api_version or KIND_OF[kind].api_versions[0], kind, namespace, name, uid)


def _key(regarding: Regarding) -> ReportKey:
    return (regarding.kind, regarding.namespace, regarding.name)


def event_name(regarding: Regarding, said: News) -> str:
    """Name of an Event: the same for the same words about the same object."""
    words = msgspec.json.encode((regarding.kind, regarding.uid, said.type, said.reason, said.note))
    digest = hashlib.sha256(words).hexdigest()[:16]
    return f"{regarding.name[:230].rstrip('.-')}.{digest}"
