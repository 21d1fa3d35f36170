"""Events of all kinds in, changes of objects out: a machine without I/O.

Invariants: what the server took for one moment's state of a kind is handed out together; what
equals the last version (another's status, another's annotations that nobody reads) is no change; an
object that cannot be read leaves its last good version in force and a problem; an object that
points to something that has not been looked for yet waits for the answer.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from fairlead import api
from fairlead.ir.workload import Workload
from fairlead.providers.batch import Batch, FileProblems, Key, ObjectChange
from fairlead.providers.kube.decoding import Live, UnreadableError, decode, live
from fairlead.providers.kube.pods import workload
from fairlead.providers.kube.references import (
    REFERRING_KINDS,
    Ours,
    Referent,
    references_of,
    wanted,
)

POD = "Pod"
_Id: TypeAlias = tuple[str, Key]
"""Kind and key of an object."""

_WITHOUT_STATUS = frozenset(
    {
        *("Namespace", "Service", "EndpointSlice", "Pod", "Secret", "ConfigMap"),
        *("ReferenceGrant", "ClusterTrustBundle"),
    }
)
"""Kinds whose status is none that we write."""


class Store:
    """What is known of the cluster.

    Args:
        ours: which Gateways' references count.
        on_status: called with kind and key when the live status of an object has changed.
    """

    def __init__(self, ours: Ours, on_status: Callable[[str, Key], None]) -> None:
        self._ours = ours
        self._on_status = on_status
        self._objects: dict[str, dict[Key, api.Object]] = {}
        self._workloads: dict[Key, Workload] = {}
        self._live: dict[_Id, Live] = {}
        self._problems: dict[_Id, api.Problem] = {}
        self._open: dict[str, dict[Key, api.Object | None]] = {}
        self._pending: dict[_Id, api.Object | None] = {}
        self._pending_workloads: dict[Key, Workload | None] = {}
        self._told_problems: dict[_Id, api.Problem] = {}
        self._referents: frozenset[Referent] = frozenset()
        self._answered: set[Referent] = set()
        self._forbidden: set[Referent] = set()
        self._told_forbidden: set[Referent] = set()
        self._asking: dict[_Id, frozenset[Referent]] = {}
        self._referring_changed = False

    # What comes in

    def put(self, kind: api.Kind, key: Key, data: bytes) -> None:
        """An object appeared or changed; it counts from `commit` on."""
        each = (kind.kind, key)
        try:
            if kind.kind == POD:
                self._put_workload(key, workload(data))
                return
            obj = decode(kind, data)
            if kind.kind not in _WITHOUT_STATUS:
                self._put_live(each, live(data))
        except UnreadableError as error:
            self._problems[each] = _unreadable(each, str(error))
            return
        self._problems.pop(each, None)
        changes = self._open.setdefault(kind.kind, {})
        if key in changes or self._objects.get(kind.kind, {}).get(key) != obj:
            changes[key] = obj

    def drop(self, kind: api.Kind, key: Key) -> None:
        """An object is gone; it counts from `commit` on."""
        each = (kind.kind, key)
        self._problems.pop(each, None)
        if self._live.pop(each, None) is not None:
            self._on_status(*each)
        if kind.kind == POD:
            if self._workloads.pop(key, None) is not None:
                self._pending_workloads[key] = None
            return
        changes = self._open.setdefault(kind.kind, {})
        if key in self._objects.get(kind.kind, {}):
            changes[key] = None
        else:
            changes.pop(key, None)

    def commit(self, kind: str) -> None:
        """What came of a kind so far is a state that the server had."""
        changes = self._open.pop(kind, None)
        if not changes:
            return
        objects = self._objects.setdefault(kind, {})
        for key, obj in changes.items():
            if obj is None:
                objects.pop(key, None)
            else:
                objects[key] = obj
            self._pending[kind, key] = obj
        if kind in REFERRING_KINDS:
            self._referring_changed = True

    def answer(self, referent: Referent, *, forbidden: bool) -> None:
        """It is known by now whether a referent may be read, whether it is there, what it holds."""
        self._answered.add(referent)
        if forbidden:
            self._forbidden.add(referent)
        else:
            self._forbidden.discard(referent)

    def referents(self) -> frozenset[Referent]:
        """What is to be read, with what has been committed so far."""
        if not self._referring_changed:
            return self._referents
        self._referring_changed = False
        before, self._referents = self._referents, wanted(self._objects, self._ours)
        self._answered &= self._referents
        self._forbidden &= self._referents
        own = {
            each: frozenset(references_of(obj) if obj is not None else ())
            for each, obj in self._pending.items()
            if each[0] in REFERRING_KINDS
        }
        # What is new and none of them names was permitted by one of them: a grant, or a class.
        permitted = self._referents - before - frozenset[Referent]().union(*own.values())
        for each, named in own.items():
            self._asking[each] = self._asking.get(each, frozenset()) | named | permitted
        return self._referents

    # What goes out

    @property
    def answered(self) -> bool:
        """Whether every referent has been looked for."""
        return self.referents() <= self._answered

    def flush(self) -> Batch:
        """What has changed since the last call and does not wait for a referent."""
        unanswered = self.referents() - self._answered
        ready = sorted(
            each for each in self._pending if not self._asking.get(each, frozenset()) & unanswered
        )
        changes = tuple(ObjectChange(*each, self._pending.pop(each)) for each in ready)
        for each in ready:
            self._asking.pop(each, None)
        workloads = tuple(sorted(self._pending_workloads.items()))
        self._pending_workloads.clear()
        turned = sorted(self._forbidden ^ self._told_forbidden)
        forbidden = tuple((*each, each in self._forbidden) for each in turned)
        self._told_forbidden = set(self._forbidden)
        return Batch(changes, tuple(self._changed_problems()), workloads, forbidden)

    def live(self, kind: str, key: Key) -> Live | None:
        """What a status writer compares with; None if the object is not there."""
        return self._live.get((kind, key))

    def keys(self, kind: str) -> tuple[Key, ...]:
        """The objects of a kind, as of its last commit."""
        return tuple(self._objects.get(kind, {}))

    def ending(self, namespace: str) -> bool:
        """Whether a namespace is being deleted."""
        found = self._objects.get("Namespace", {}).get(("", namespace))
        return found is not None and found.metadata.deletion_timestamp is not None

    def problems(self) -> tuple[api.Problem, ...]:
        """Objects that cannot be read, by kind and key."""
        return tuple(self._problems[each] for each in sorted(self._problems))

    def counts(self) -> Mapping[str, int]:
        """Objects by kind."""
        return {kind: len(objects) for kind, objects in sorted(self._objects.items())}

    # Inside

    def _put_workload(self, key: Key, pod: Workload) -> None:
        if self._workloads.get(key) != pod:
            self._workloads[key] = pod
            self._pending_workloads[key] = pod

    def _put_live(self, each: _Id, now: Live) -> None:
        before = self._live.get(each)
        self._live[each] = now
        if before is None or before.status != now.status or before.uid != now.uid:
            self._on_status(*each)

    def _changed_problems(self) -> Iterator[FileProblems]:
        if self._told_problems == self._problems:
            return
        for each in sorted(self._told_problems.keys() | self._problems.keys()):
            now = self._problems.get(each)
            if now != self._told_problems.get(each):
                name = "/".join(part for part in (each[0], *each[1]) if part)
                yield FileProblems(name, (now,) if now is not None else ())
        self._told_problems = dict(self._problems)


def _unreadable(each: _Id, words: str) -> api.Problem:
    kind, (namespace, name) = each
    message, _, place = words.partition(" - at `$")
    return api.Problem(
        severity="error",
        code=api.Code.WRONG_TYPE,
        message=f"this release cannot read it: {message}; its last good version stays in force",
        remedy="change the field, or upgrade Fairlead",
        kind=kind,
        namespace=namespace,
        name=name,
        field=place.strip("`.").lstrip("."),
    )
