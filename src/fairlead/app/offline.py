"""Translation without anything that runs: what manifests come to if all that is written works.

In: objects. Out: a `Pipeline` in which every pod is ready and every Gateway has its addresses, as
far as it asks for some that can be given. Same objects, same pipeline: nothing here looks at the
machine; the clock is the caller's, and tells which faults have ended.
"""

import itertools
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from ipaddress import IPv4Address
from typing import Final

from fairlead import api
from fairlead.app.expiry import Expiry
from fairlead.app.gateways import wanted_addresses
from fairlead.app.pipeline import AnyChange, Pipeline
from fairlead.dataplane.addresses import ANY
from fairlead.graph import Change, Events
from fairlead.ir.workload import Workload
from fairlead.providers.batch import Batch
from fairlead.translate.sources import Key, Settings

GATEWAY_ADDRESS: Final = "192.0.2.1"
"""Of a Gateway that asks for any (a range for documentation, RFC 5737)."""
_POD_ADDRESSES: Final = int(IPv4Address("10.244.0.1"))


def offline(
    batch: Batch,
    now: Callable[[], datetime],
    settings: Settings | None = None,
    addresses: Mapping[Key, tuple[str, ...]] = {},
) -> Pipeline:
    """Translate the objects of `batch`.

    Args:
        batch: what is written.
        now: the time.
        settings: None for those of a standalone instance.
        addresses: that Gateways are known to have; others get what they ask for.

    Raises:
        GraphError: translation failed, which is a mistake of ours.
    """
    pipeline = Pipeline(settings or Settings())
    pipeline.add_feedback(_Pods(pipeline).answer)
    pipeline.add_feedback(_Addresses(pipeline, addresses).answer)
    pipeline.add_feedback(Expiry(pipeline.sources, now).answer)
    sources = pipeline.sources
    apply(
        pipeline,
        [Change(sources.of(change.kind), change.key, change.obj) for change in batch.changes],
    )
    return pipeline


def apply(pipeline: Pipeline, changes: Iterable[AnyChange]) -> None:
    """Apply changes to the end."""
    for _ in pipeline.apply(changes):
        pass


class _Pods:
    """Lets every pod that is written be ready."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pods = pipeline.outputs.pods
        self._workloads = pipeline.sources.workloads
        self._numbers = itertools.count()

    def answer(self, events: Events) -> Iterable[AnyChange]:
        found = events[self._pods]
        for key, (_, pod) in sorted(found.items(), key=lambda item: item[0]):
            workload = self._workload(key, pod) if pod is not None else None
            if self._workloads.get(key) != workload:
                yield Change(self._workloads, key, workload)

    def _workload(self, key: Key, pod: api.Pod) -> Workload:
        known = self._workloads.get(key)
        containers = (*pod.spec.init_containers, *pod.spec.containers)
        ports = {(p.name, p.container_port) for c in containers for p in c.ports if p.name}
        ip = known.ip if known else str(IPv4Address(_POD_ADDRESSES + next(self._numbers)))
        return Workload(
            *key,
            labels=tuple(sorted(pod.metadata.labels.items())),
            ip=ip,
            ready=True,
            ports=tuple(sorted(ports)),
            service_account=pod.spec.service_account_name or "default",
        )


class _Addresses:
    """Gives Gateways the addresses that they ask for."""

    def __init__(self, pipeline: Pipeline, known: Mapping[Key, tuple[str, ...]]) -> None:
        self._known = known
        self._fleet = pipeline.outputs.fleet
        self._gateways = pipeline.sources.gateways
        self._addresses = pipeline.sources.gateway_addresses

    def answer(self, events: Events) -> Iterable[AnyChange]:
        if not (events[self._gateways] or events[self._fleet]):
            return
        given: dict[Key, tuple[str, ...]] = {}
        for proxy in dict(self._fleet.items()).values():
            gateway = self._gateways.get((proxy.namespace, proxy.gateway))
            if gateway is None:
                continue
            if gateway.key in self._known:
                given[gateway.key] = self._known[gateway.key]
            else:
                wanted = wanted_addresses(gateway)
                given[gateway.key] = tuple(GATEWAY_ADDRESS if a == ANY else a for a in wanted)
        known = dict(self._addresses.items())
        for key in sorted(given.keys() | known.keys()):
            if given.get(key) != known.get(key):
                yield Change(self._addresses, key, given.get(key))
