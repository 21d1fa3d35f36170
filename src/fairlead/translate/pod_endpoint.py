"""Pods as endpoints: which ones a Service selects, and what each is to one of its ports.

In: live pods. Out: `Slot` values, which are all that decides about endpoints of pods.
"""

from collections.abc import Iterator, Mapping
from typing import TypeAlias

import msgspec

from fairlead import api
from fairlead.graph import Collection, Context, Index
from fairlead.ir.endpoint import Endpoint
from fairlead.ir.workload import Workload
from fairlead.translate.service_port import Port
from fairlead.translate.sources import Key

Labelled: TypeAlias = tuple[str, str, str]
"""Index term of a pod: (namespace, label, value)."""


class Slot(msgspec.Struct, frozen=True):
    """One endpoint with what decides whether it gets requests."""

    endpoint: Endpoint
    ready: bool
    draining: bool = False
    """Terminating but still serving: takes requests while nothing else is ready (KEP-1669)."""


def by_label(workloads: Collection[Key, Workload]) -> Index[Key, Workload, Labelled]:
    """Index live pods by each of their labels."""
    return workloads.index("workloads by label", _labels)


def selected(
    ctx: Context,
    pods: Index[Key, Workload, Labelled],
    namespace: str,
    selector: Mapping[str, str],
) -> tuple[Workload, ...]:
    """Return the pods of a namespace that carry all labels of a selector that is not empty.

    Reads the rarest of the labels only: what happens to pods that share but a common one wakes
    nobody.
    """
    terms = sorted((namespace, label, value) for label, value in selector.items())
    rarest = min(terms, key=lambda term: ctx.count_by(pods, term)) if terms[1:] else terms[0]
    wanted = set(selector.items())
    return tuple(pod for _, pod in ctx.fetch_by(pods, rarest) if wanted <= set(pod.labels))


def pod_slot(pod: Workload, service: api.Service, port: Port) -> Slot | None:
    """Return what a pod selected by `service` is to one of its ports, None if it is nothing."""
    number = port.target if isinstance(port.target, int) else dict(pod.ports).get(port.target)
    if number is None or ended(pod):
        return None
    return slot(pod, number, anyway=service.spec.publish_not_ready_addresses)


def slot(pod: Workload, number: int, *, anyway: bool = False) -> Slot:
    """Return what a pod is as an endpoint on one of its ports, ready or not if `anyway`."""
    return Slot(
        Endpoint(pod.ip, number, f"{pod.namespace}/{pod.name}"),
        ready=bool(pod.ip) and (anyway or (pod.ready and not pod.terminating)),
        draining=bool(pod.ip) and pod.ready and pod.terminating,
    )


def ended(pod: Workload) -> bool:
    """Whether a pod has run its course and is nobody's endpoint any more."""
    return pod.phase in {"Succeeded", "Failed"}


def _labels(_key: Key, pod: Workload) -> Iterator[tuple[str, str, str]]:
    """Index terms of a pod: (namespace, label, value)."""
    for label, value in pod.labels:
        yield pod.namespace, label, value
