"""A `View` of what somebody may read of a cluster, without asking its control plane.

What became of objects is what their status says, as far as it is ours. What no status says (which
backends, which rules) comes from the translation of what was read.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

import msgspec

from fairlead import api
from fairlead.analysis.view import ProxyFacts, View
from fairlead.app.cluster_reading import controller_of, translated
from fairlead.app.offline import apply
from fairlead.app.pipeline import Pipeline
from fairlead.dataplane.pod import PodFacts
from fairlead.graph import Change
from fairlead.ir.proxy_status import ProxyStatus
from fairlead.providers.kube.listing import Listing
from fairlead.status.conditions import ROUTES
from fairlead.translate.report import (
    AncestorReport,
    Condition,
    ListenerReport,
    ParentReport,
    Report,
)
from fairlead.translate.sources import CONTROLLER_NAME, Key

Json: TypeAlias = Mapping[str, Any]
_NO_PODS: Mapping[Key, PodFacts] = {}


def view_of(listing: Listing, now: Callable[[], datetime]) -> View:
    """What was read, for tables and descriptions.

    Raises:
        GraphError: translation failed, which is a mistake of ours.
    """
    pipeline = translated(listing, now)
    seen = _Seen(listing, pipeline, now)
    statuses = pipeline.sources.proxy_status
    apply(pipeline, [Change(statuses, each.proxy, each) for each in seen.held()])
    return _SeenView(pipeline.sources, pipeline.outputs, seen, controller_of(listing))


class _Seen:
    """Implements `analysis.view.Live` on what was read."""

    def __init__(self, listing: Listing, pipeline: Pipeline, now: Callable[[], datetime]) -> None:
        self._listing = listing
        self._pipeline = pipeline
        self._now = now

    def held(self) -> Iterable[ProxyStatus]:
        """What proxies hold, if the status of their Gateways is true."""
        for name, facts in self.proxies().items():
            listeners = self._pipeline.outputs.listeners.keys()
            bound = tuple(sorted(listener for proxy, listener in listeners if proxy == name))
            yield ProxyStatus(name, connected=facts.connected, listeners=bound)

    def status(self, kind: str, key: Key) -> Json:
        return self._listing.status.get((kind, key), {})

    def born(self, kind: str, key: Key) -> datetime:
        found = self._pipeline.sources.of(kind).get(key)
        created = found.metadata.creation_timestamp if found is not None else None
        return datetime.fromisoformat(created) if created else self._now()

    def now(self) -> datetime:
        return self._now()

    def proxies(self) -> Mapping[str, ProxyFacts]:
        answer: dict[str, ProxyFacts] = {}
        for name, proxy in sorted(self._pipeline.outputs.fleet.items()):
            status = self.status("Gateway", (proxy.namespace, proxy.gateway))
            good = any(
                each.type == "Programmed" and each.status == "True" for each in _conditions(status)
            )
            answer[name] = ProxyFacts(name, proxy.kind, connected=good, synced=good, instances=())
        return answer

    def pods(self) -> Mapping[Key, PodFacts]:
        return _NO_PODS

    def problems(self) -> tuple[api.Problem, ...]:
        return self._listing.problems


@dataclass(frozen=True)
class _SeenView(View):
    """A view whose reports say what the status of objects says."""

    controller: str
    """Whose status counts."""

    def report(self, kind: str, key: Key) -> Report | None:
        """What our controller has told about an object."""
        made, status = super().report(kind, key), self.live.status(kind, key)
        return reported(kind, key, made, status, self.controller)


def reported(
    kind: str, key: Key, made: Report | None, status: Json, controller: str = CONTROLLER_NAME
) -> Report | None:
    """The report that a status tells.

    Args:
        kind: of the object.
        key: of the object.
        made: by translation of what was read; None if that says the object is not ours.
        status: of the object.
        controller: whose entries count.
    """
    if kind in ROUTES:
        parents = tuple(_parents(made, status.get("parents") or (), controller))
        empty = Report(kind, *key, generation=0)
        return msgspec.structs.replace(made or empty, parents=parents) if parents or made else None
    if made is None:
        return None
    if made.ancestors:
        said = {
            _reference(each, "ancestorRef"): each
            for each in status.get("ancestors") or ()
            if each.get("controllerName") == controller
        }
        ancestors = tuple(
            AncestorReport(each.ancestor_ref, _conditions(said.get(each.ancestor_ref, {})))
            for each in made.ancestors
        )
        return msgspec.structs.replace(made, ancestors=ancestors)
    return msgspec.structs.replace(
        made,
        conditions=_conditions(status) if made.conditions else (),
        listeners=tuple(_listener(each, status) for each in made.listeners),
    )


def _parents(made: Report | None, told: Iterable[Json], controller: str) -> Iterable[ParentReport]:
    """The parents that our controller tells of, with the proxies that translation knows."""
    proxies = {each.parent_ref: each.proxies for each in made.parents} if made else {}
    ours = {
        _reference(each, "parentRef"): _conditions(each)
        for each in told
        if each.get("controllerName") == controller
    }
    for ref in [*ours, *(ref for ref in proxies if ref not in ours)]:
        yield ParentReport(ref, ours.get(ref, ()), proxies.get(ref, ()))


def _reference(entry: Json, field: str) -> api.ParentReference:
    return msgspec.convert(entry[field], api.ParentReference)


def _listener(made: ListenerReport, status: Json) -> ListenerReport:
    for each in status.get("listeners") or ():
        if each.get("name") == made.name:
            return msgspec.structs.replace(
                made,
                attached_routes=int(each.get("attachedRoutes", 0)),
                conditions=_conditions(each),
            )
    return msgspec.structs.replace(made, attached_routes=0, conditions=())


def _conditions(entry: Json) -> tuple[Condition, ...]:
    return tuple(
        Condition(
            type=each.get("type", ""),
            status=each.get("status", "Unknown"),
            reason=each.get("reason", ""),
            message=each.get("message", ""),
            observed_generation=int(each.get("observedGeneration", 0)),
        )
        for each in entry.get("conditions") or ()
    )
